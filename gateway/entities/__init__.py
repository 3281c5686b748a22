"""What sources answered, kept for the next caller (docs/adr)."""
