"""The beginning of a connector of one's own: `knownas connectors new`."""
