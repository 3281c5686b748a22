"""Systems as data: one folder per vendor, and the parts they share. docs/connectors.md says how to
write one.
"""
