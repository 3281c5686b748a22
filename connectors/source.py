"""A spec and its settings, put together into a `Source` the use cases can ask."""

import re
from collections.abc import Mapping
from datetime import datetime
from random import Random
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.auth import Equippable, Means, Secret, filled
from connectors.batch import BatchReader
from connectors.changes import StreamReader, TimeReader
from connectors.children import ChildReader
from connectors.desk import Desk
from connectors.http import Http
from connectors.keysearch import KeySearcher
from connectors.merging import MergedLists, MergedReads
from connectors.monitor import Monitor
from connectors.reading import Options, OptionValue, Reading
from connectors.sender import Sender
from connectors.settings import SourceSettings
from connectors.shelf import MemoryShelf
from connectors.spec import Option, Spec, Stream
from connectors.webhooks import SignedWebhooks
from domain.errors import ConfigError
from domain.ids import Kind
from domain.ports import Clock, Telemetry
from domain.provenance import System
from domain.records import Record
from domain.sources import BatchGet, ChangedSince, ChildrenOf, Source
from domain.tokens import TokenShelf


def open_source(
    spec: Spec,
    name: str,
    settings: SourceSettings,
    sender: Sender,
    *,
    clock: Clock,
    telemetry: Telemetry,
    dice: Random,
    tokens: TokenShelf | None = None,
) -> Source:
    """The source `name`. Opens no connection. Raises ConfigError.

    The sender becomes the source's own: `Source.close` closes it. `tokens` is where tokens that
    expire are shared with other processes; without it they stay in this one.
    """
    _check_settings(name, settings)
    options = _options(spec, name, settings)
    system = System(name=name, kind=spec.system, connector=spec.connector, region=settings.region)
    address = base_url(spec, name, settings, options)
    authenticator = spec.auth.open(name, settings.secrets, options)
    if isinstance(authenticator, Equippable):
        means = Means(base_url=address, sender=sender, clock=clock, tokens=tokens or MemoryShelf())
        authenticator.equip(means)
    http = Http(
        source=name,
        base_url=address,
        sender=sender,
        authenticator=authenticator,
        limits=spec.limits,
        clock=clock,
        monitor=Monitor(system, clock, telemetry),
        dice=dice,
        headers=spec.headers,
        judge=spec.judge,
        refused=spec.refused,
        wait_header=spec.wait_s,
        rates=_rates(spec, name, settings),
        timeout_s=settings.timeout_s,
    )

    def reading() -> Reading:
        return _reading(system, clock.now(), settings, options)

    desks = {
        kind: Desk(
            source=name,
            kind=kind,
            endpoint=endpoint,
            http=http,
            reading=reading,
            options=options,
        )
        for kind, endpoint in spec.kinds.items()
    }
    return Source(
        system=system,
        gets=_gets(spec, desks, http.monitor),
        children=_children(spec, desks, http.monitor),
        search=_search(spec, desks),
        changes=_changes(spec, desks, clock),
        webhooks=_webhooks(spec, name, settings),
        status=http.monitor.status,
        customer_key=settings.customer_key,
        credential=authenticator.fingerprint,
        timeout_s=settings.timeout_s,
        close=http.close,
    )


def base_url(spec: Spec, name: str, settings: SourceSettings, options: Options) -> str:
    """Where the source is. Raises ConfigError for anything but an http(s) address without query,
    fragment and credentials.
    """
    url = settings.base_url or filled(name, spec.base_url, options)
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError(
            f"sources.{name}.base_url: must be http(s)://host[:port][/path], nothing else"
        )
    return url.rstrip("/")


def _options(spec: Spec, name: str, settings: SourceSettings) -> Options:
    known = {option.name: option for option in spec.options}
    for given, value in settings.options.items():
        if given not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"sources.{name}.{given}: unknown; {spec.connector} has {allowed}")
        if isinstance(value, str) == isinstance(known[given].default, Mapping):
            form = "text" if isinstance(value, Mapping) else "table"
            raise ConfigError(f"sources.{name}.{given}: must be a {form}")
        if not _fits(known[given], value):
            raise ConfigError(f"sources.{name}.{given}: must match {known[given].form}")
    for option in spec.options:
        if option.default is None and not settings.options.get(option.name):
            raise ConfigError(f"sources.{name}.{option.name}: must be set ({option.help})")
    defaults = {o.name: o.default for o in spec.options if o.default is not None}
    return {**defaults, **settings.options}


def _fits(option: Option, value: OptionValue) -> bool:
    texts = [value] if isinstance(value, str) else list(value.values())
    return not option.form or all(not each or re.fullmatch(option.form, each) for each in texts)


def _check_settings(name: str, settings: SourceSettings) -> None:
    if not settings.timeout_s > 0:
        raise ConfigError(f"sources.{name}.timeout_s: must be above 0")
    if not settings.customer_key:
        raise ConfigError(
            f'sources.{name}.customer_key: must be "own", "email", "phone" or a source'
        )
    try:
        ZoneInfo(settings.time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        place = f"sources.{name}.time_zone"
        raise ConfigError(f"{place}: no such time zone: {settings.time_zone}") from error


def _rates(spec: Spec, name: str, settings: SourceSettings) -> Mapping[str, float]:
    for lane, amount in settings.rates.items():
        if lane not in spec.limits.rates or not amount > 0:
            allowed = ", ".join(sorted(spec.limits.rates)) or "none"
            raise ConfigError(
                f"sources.{name}.rates.{lane}: must be above 0; {spec.connector} has {allowed}"
            )
    return settings.rates


def _reading(
    system: System, fetched_at: datetime, settings: SourceSettings, options: Options
) -> Reading:
    return Reading(
        system=system,
        fetched_at=fetched_at,
        phone_region=settings.phone_region,
        time_zone=settings.time_zone,
        customer_key=settings.customer_key,
        options=options,
    )


def _gets(spec: Spec, desks: Mapping[Kind, Desk], monitor: Monitor) -> dict[Kind, BatchGet[Record]]:
    return {
        kind: MergedReads(BatchReader(desks[kind], form), form.size.value, monitor)
        for kind, endpoint in spec.kinds.items()
        if (form := endpoint.get_many)
    }


def _children(
    spec: Spec, desks: Mapping[Kind, Desk], monitor: Monitor
) -> dict[Kind, ChildrenOf[Record]]:
    contacts = desks.get(Kind.CONTACT)
    return {
        kind: MergedLists(ChildReader(desks[kind], forms, contacts), forms, monitor)
        for kind, endpoint in spec.kinds.items()
        if (forms := endpoint.children)
    }


def _search(spec: Spec, desks: Mapping[Kind, Desk]) -> KeySearcher | None:
    contacts = spec.kinds.get(Kind.CONTACT)
    if contacts is None or not contacts.search:
        return None
    desk = desks[Kind.CONTACT]
    own = BatchReader(desk, contacts.get_many) if contacts.get_many else None
    return KeySearcher(desk, contacts.search, own)


def _changes(
    spec: Spec, desks: Mapping[Kind, Desk], clock: Clock
) -> dict[Kind, ChangedSince[Record]]:
    readers: dict[Kind, ChangedSince[Record]] = {}
    for kind, endpoint in spec.kinds.items():
        form = endpoint.changed_since
        if isinstance(form, Stream):
            readers[kind] = StreamReader(desks[kind], form)
        elif form is not None:
            readers[kind] = TimeReader(desks[kind], form, clock)
    return readers


def _webhooks(spec: Spec, name: str, settings: SourceSettings) -> SignedWebhooks | None:
    """None where the connector has none, or no secret is set to prove a delivery with."""
    if spec.webhooks is None:
        return None
    names = (spec.webhooks.secret, f"{spec.webhooks.secret}_previous")
    secrets: list[Secret] = [s for n in names if (s := settings.secrets.get(n))]
    return SignedWebhooks(name, spec.webhooks, tuple(secrets)) if secrets else None
