"""Systems described by configuration alone: what a mapping of the user says, as a connector."""
