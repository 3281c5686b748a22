"""HubSpot's CRM contacts, emulated from the description of its official client and its guides."""

from __future__ import annotations

from sandbox.hubspot.app import TOKEN, build
from sandbox.hubspot.errors import HubSpotDialect
from sandbox.hubspot.hooks import HubSpotHooks
from sandbox.vendor import Vendor

VENDOR = Vendor(
    name="hubspot",
    build=build,
    dialect=HubSpotDialect(),
    credentials={"token": TOKEN},
    hooks=HubSpotHooks,
)
