"""The Shopify Admin GraphQL API 2026-07, emulated: customers, orders, search, costs.

    POST /admin/api/2026-07/graphql.json      X-Shopify-Access-Token

Written from the vendor's published schema and documents. Limits kept: pages and input arrays of
250, 1,000 points a query, a bucket of points that restores with the clock.
"""

from sandbox.shopify.app import TOKEN, VENDOR, VERSION, build
from sandbox.shopify.throttle import ADVANCED, PLENTY, PLUS, STANDARD, Plan

__all__ = ["ADVANCED", "PLENTY", "PLUS", "STANDARD", "TOKEN", "VENDOR", "VERSION", "Plan", "build"]
