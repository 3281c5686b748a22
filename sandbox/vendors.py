"""The emulated platforms, in the order they are started and listed."""

from __future__ import annotations

from sandbox import hubspot, intercom, shopify, zendesk
from sandbox.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (hubspot.VENDOR, shopify.VENDOR, zendesk.VENDOR, intercom.VENDOR)
