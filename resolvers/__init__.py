"""Use cases: which sources, which batch, and what when one is missing. Speaks to ports only."""
