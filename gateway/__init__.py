"""The running program: configuration, HTTP, limits, telemetry, wiring. The only package that knows
every other.
"""
