"""How a prepared operation is run."""
