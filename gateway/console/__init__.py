"""GraphiQL, built at set-up from its npm packages into `dist/` (see build.py)."""
