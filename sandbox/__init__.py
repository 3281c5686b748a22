"""Emulated platforms for the demo and the tests: small ASGI apps with state, people and faults.

Written from the vendors' documents alone. Nothing of the product is imported here, so that one
misreading cannot stand on both sides of the wire.
"""
