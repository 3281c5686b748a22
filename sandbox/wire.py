"""How instants look on the wire, and back."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_seconds(at: datetime) -> str:
    """2026-11-16T09:00:00Z"""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_milliseconds(at: datetime) -> str:
    """2026-11-16T09:00:00.000Z"""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1_000:03}Z"


def epoch_milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970, as stamps are kept and compared."""
    return int(at.timestamp()) * 1_000 + at.microsecond // 1_000
