"""What the configuration says about one source, in the form connectors are built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.auth import Secrets
from connectors.reading import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """One `[sources.<name>]`. `base_url` "" takes the connector's own.

    `secrets` by the names the connector's auth and webhooks use ("token", "webhook_secret",
    "webhook_secret_previous"). `customer_key` says how the source's things name their customer:
    "own", "email", "phone", or the name of another source. `rates` are the limits of the plan that
    was bought, by the connector's lanes, in units per period. `options` are the connector's own.
    `mapping` describes the source to a connector that knows none by itself (rest, graphql, sql).
    """

    connector: str
    base_url: str = ""
    secrets: Secrets = field(default_factory=dict)
    timeout_s: float = 3.0
    phone_region: str | None = None
    time_zone: str = "UTC"
    customer_key: str = "own"
    region: str | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    options: Options = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict, repr=False)
