"""What the record of interactions means: pure functions over records and events, without I/O."""
