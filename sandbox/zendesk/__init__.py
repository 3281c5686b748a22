"""Zendesk Support, emulated from its API description and reference."""

from __future__ import annotations

from sandbox.vendor import Vendor
from sandbox.zendesk.app import EMAIL, TOKEN, build
from sandbox.zendesk.errors import ZendeskDialect
from sandbox.zendesk.hooks import ZendeskHooks

VENDOR = Vendor(
    name="zendesk",
    build=build,
    dialect=ZendeskDialect(),
    credentials={"email": EMAIL, "token": TOKEN},
    hooks=ZendeskHooks,
)
