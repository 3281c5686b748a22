"""Pages for staff, rendered here: stewards review who is who."""
