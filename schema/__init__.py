"""The GraphQL face: Strawberry types that delegate. The graph is built by `schema.graph`."""
