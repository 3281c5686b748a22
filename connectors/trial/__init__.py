"""A source put to the test: each of its questions asked once, and what became of every row."""
