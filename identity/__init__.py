"""Which records are one person: canonical forms, Splink's evidence, clusters and their reasons."""
