"""The tables of what is kept: the state store, Redis, caches, documents and the inbox."""

from pydantic import Field

from connectors.auth import Secret
from gateway.config_values import Options, RedisUrl, StateUrl


class State(Options):
    url: StateUrl = Field(
        default=Secret("sqlite:///knownas.db"),
        description="Where records and identities are kept: sqlite:///FILE or postgresql://..."
        " An address with a password is given by reference, as a secret.",
    )


class Redis(Options):
    url: RedisUrl = Field(
        default=Secret(""),
        description="Shared cache, redis://... or rediss://...; empty keeps the cache in the"
        " process. An address with a password is given by reference, as a secret.",
    )
    timeout_s: float = Field(
        default=0.25,
        gt=0,
        le=10,
        description="How long a look-up waits before it counts as a miss.",
    )


class Cache(Options):
    """What sources answered, docs/operations.md."""

    records: bool = Field(
        default=True,
        description="Whether what a source answered is kept for callers who take an answer of that"
        " age (`freshness`).",
    )
    max_bytes: int = Field(
        default=32 * 2**20,
        ge=0,
        description="Most memory of what is kept in the process; the oldest use goes first. With"
        " [redis], that is what stands in while Redis is lost.",
    )
    people_bytes: int = Field(
        default=16 * 2**20,
        ge=0,
        description="Most memory of who is who and of stored people, remembered in the process; the"
        " oldest use goes first.",
    )
    keep_s: float = Field(
        default=300.0,
        gt=0,
        le=3_600,
        description="Longest time an answer is kept, whatever age a caller takes.",
    )
    stale_s: float = Field(
        default=30.0,
        ge=0,
        le=3_600,
        description="How much older than a caller asks for an answer may be, while it is asked for"
        " anew behind, where `allowStale` lets it; never more than twice the age asked for.",
    )


class Documents(Options):
    """What may be run at all, docs/operations.md."""

    trusted_only: bool = Field(
        default=False,
        description="Whether only documents run that were added by `knownas documents add`.",
    )


class Inbox(Options):
    """What vendors tell by themselves, docs/webhooks.md."""

    worker: bool = Field(
        default=True,
        description="Whether `serve` applies events itself; false where `knownas worker` does.",
    )
    body_bytes: int = Field(
        default=1_000_000, ge=1_000, description="Largest delivery. More is TOO_LARGE."
    )
    most_waiting: int = Field(
        default=100_000,
        ge=1,
        description="Events that may wait to be applied. More is RATE_LIMITED (429), and comes"
        " again.",
    )
    reconcile_s: float = Field(
        default=900.0,
        ge=0,
        description="How often what no webhook told is looked for; 0 never.",
    )
    keep_days: int = Field(
        default=7, ge=1, description="How long an event is remembered against repetition."
    )
    keep_dead_days: int = Field(
        default=30, ge=1, description="How long an event that was put aside waits for a person."
    )
