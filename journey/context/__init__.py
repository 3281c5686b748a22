"""What texts tell of a matter, by rules: offline, and the same every time."""
