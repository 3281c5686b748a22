"""Every option of `knownas.toml`, with its default and its meaning (docs/configuration.md).

The models check single values and how they fit together; `config_file.py` reads the file and words
what is wrong. Secrets are references (`{ env = "..." }` or `{ file = "..." }`), resolved while the
models are built and never shown again.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connectors.settings import SourceSettings
from gateway.config_kept import Cache, Documents, Inbox, Redis, State
from gateway.config_record import Extractor, LiveRecord
from gateway.config_values import (
    AllowedOrigin,
    BaseUrl,
    Listed,
    Options,
    PhoneRegion,
    PublicUrl,
    Scope,
    Sha256,
    TimeZone,
)
from gateway.hosts import is_loopback
from gateway.secrets import surroundings
from gateway.source_settings import Fitted, Unfit, fitted

ALWAYS: Final = frozenset({"identity"})
BUILT: Final = ALWAYS | {"live_record"}
"""The capabilities this release has."""


class Server(Options):
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Any other than a loopback one needs [auth].",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    public_url: PublicUrl = Field(
        default="",
        description="The address vendors and callers see; some webhook signatures cover it.",
    )
    allowed_origins: Listed[AllowedOrigin] = Field(
        default=(),
        description="Origins whose pages may call (CORS, WebSocket), as in"
        ' "https://desk.example.com". For a loopback host the port may be "*".',
    )
    introspection: Literal["loopback", "on", "off"] = Field(
        default="loopback",
        description="Who may read the schema and open GraphiQL, /metrics, /schema.graphql and the"
        " details of /readyz: everybody who may call (on), nobody (off), or everybody where the"
        " server listens on a loopback address (loopback).",
    )
    drain_s: float = Field(
        default=10.0,
        ge=0,
        le=300,
        description="How long a stopping server waits for running requests.",
    )
    at_once: int = Field(
        default=128,
        ge=1,
        description="Requests to the graph that a worker works on at one time; others wait for"
        " their turn. It bounds what a worker holds under load.",
    )


class Limits(Options):
    """What one request may ask for; all are judged before anything is executed."""

    body_bytes: int = Field(
        default=1_000_000, ge=1_000, description="Largest request body. More is TOO_LARGE."
    )
    document_chars: int = Field(
        default=100_000, ge=100, description="Longest GraphQL document. More is TOO_LARGE."
    )
    variable_values: int = Field(
        default=10_000,
        ge=1,
        description="Most values in all variables together. More is TOO_LARGE.",
    )
    tokens: int = Field(
        default=2_000, ge=10, description="Most tokens in a document. More is TOO_MANY_TOKENS."
    )
    depth: int = Field(default=15, ge=1, description="Deepest nesting of fields. More is TOO_DEEP.")
    aliases: int = Field(
        default=30, ge=0, description="Most aliases in an operation. More is TOO_MANY_ALIASES."
    )
    root_fields: int = Field(
        default=20, ge=1, description="Most fields of the root. More is TOO_MANY_ROOT_FIELDS."
    )
    directives: int = Field(
        default=10,
        ge=0,
        description="Most directives in an operation. More is TOO_MANY_DIRECTIVES.",
    )
    page: int = Field(
        default=100,
        ge=1,
        le=1_000,
        description="Longest page or list of keys. More is PAGE_TOO_LARGE.",
    )
    cost: int = Field(
        default=250_000,
        ge=1,
        description="Budget of an operation in the sense of @cost and @listSize: about one unit for"
        " each object it may answer with. More is COST_EXCEEDED.",
    )
    deadline_s: float = Field(
        default=10.0,
        gt=0,
        le=300,
        description="Longest run of an operation, after which it answers DEADLINE_EXCEEDED.",
    )


class Capabilities(Options):
    """Stages of the product, each useful alone."""

    identity: bool = Field(
        default=True, description="Records of several systems become one customer. Always on."
    )
    live_record: bool = Field(
        default=True,
        description="What happens in interactions is told, kept and shown: what is in progress,"
        " visits, calls, who took part ([live_record]).",
    )
    knowledge: bool = Field(
        default=False, description="One answer on every channel. Not built yet."
    )
    orchestration: bool = Field(
        default=False, description="Channel recommendations and routing. Not built yet."
    )
    measures: bool = Field(
        default=False, description="Metrics of support and attribution. Not built yet."
    )

    @model_validator(mode="after")
    def _are_built(self) -> Self:
        for name, is_on in self:
            if is_on and name not in BUILT:
                raise ValueError(f"{name} is not part of this release")
            if not is_on and name in ALWAYS:
                raise ValueError(f"{name} cannot be off")
        return self


class Token(Options):
    name: str = Field(
        min_length=1, max_length=64, description="Who calls with it; logs and metrics show it."
    )
    sha256: Sha256 = Field(
        description="Hash of the token in hexadecimal, as `knownas token new` prints it."
    )
    scopes: Listed[Scope] = Field(
        description="What the caller may: `customer:any`, `staff`, `ingest` or `ingest:verified`"
        " (tell what happens in interactions), and `pii:<class>` for each class of personal data"
        " to be shown unmasked."
    )


class Auth(Options):
    tokens: Listed[Token] = Field(default=(), description="Bearer tokens, one table each.")
    anonymous_scopes: Listed[Scope] = Field(
        default=(),
        description="Scopes of a caller without a token, on a loopback host only. Without any"
        " [auth], such a caller has every scope.",
    )

    @model_validator(mode="after")
    def _tokens_differ(self) -> Self:
        for what in ("name", "sha256"):
            seen = [getattr(token, what) for token in self.tokens]
            if len(set(seen)) < len(seen):
                raise ValueError(f"two tokens have the same {what}")
        return self

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if not self.tokens and not self.anonymous_scopes:
            raise ValueError("names no [[auth.tokens]]: nobody could call")
        return self


class Log(Options):
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe event that is written."
    )
    format: Literal["text", "json"] = Field(
        default="text", description="One line per event: key=value pairs, or JSON."
    )


class Identity(Options):
    auto_link_weight: float = Field(
        default=9.0,
        description="Match weight (log2) from which two records are held to be one person.",
    )
    review_weight: float = Field(
        default=3.0, description="Match weight (log2) from which a pair is put up for review."
    )
    model: str = Field(
        default="bundled", min_length=1, description="`bundled`, or the file of a trained model."
    )
    resolve_s: float = Field(
        default=86_400.0,
        ge=0,
        description="How often a worker resolves everything, beside what it settles as it comes; 0"
        " where `knownas identity resolve` is run instead.",
    )

    @model_validator(mode="after")
    def _review_comes_first(self) -> Self:
        if self.review_weight > self.auto_link_weight:
            raise ValueError("review_weight must not be above auto_link_weight")
        return self


class Source(BaseModel):
    """A configured system. Keys beyond these belong to its connector, see
    `knownas connectors show`."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, hide_input_in_errors=True)

    _own: Fitted = PrivateAttr(default_factory=Fitted)

    connector: str = Field(min_length=1, description="Which connector reads it.")
    base_url: BaseUrl | None = Field(
        default=None, description="Where it answers; the connector's own address where not set."
    )
    timeout_s: float = Field(
        default=3.0, gt=0, le=60, description="Longest wait for one answer, retries included."
    )
    region: str | None = Field(
        default=None, description="Where its data live, shown as System.region."
    )
    phone_region: PhoneRegion | None = Field(
        default=None,
        description="Country (ISO 3166, as in GB) of phone numbers that do not say theirs.",
    )
    time_zone: TimeZone = Field(
        default="UTC", description="Time zone (IANA) of times that do not say theirs."
    )
    rates: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="What the plan that was bought allows, by the connector's lanes, in units per"
        " period, as in { account = 700.0 }; the connector's own figures where not set.",
    )
    customer_key: str = Field(
        default="own",
        description='How its orders, tickets and conversations name their customer: "own" (its own'
        ' customer id), "email", "phone", or the name of another source whose id they carry.',
    )

    @model_validator(mode="after")
    def _fits_its_connector(self, info: ValidationInfo) -> Self:
        given = self.__pydantic_extra__ or {}
        try:
            self._own = fitted(self.connector, given, type(self).model_fields, surroundings(info))
        except Unfit as unfit:
            raise PydanticCustomError("unfit", "unfit", {"problems": unfit.problems}) from None
        return self

    @property
    def settings(self) -> SourceSettings:
        """In the form connectors are built from."""
        return SourceSettings(
            connector=self.connector,
            base_url=self.base_url or "",
            secrets=self._own.secrets,
            timeout_s=self.timeout_s,
            phone_region=self.phone_region,
            time_zone=self.time_zone,
            customer_key=self.customer_key,
            region=self.region,
            rates=self.rates,
            options=self._own.options,
            mapping=self._own.mapping,
        )


def _require_name(name: str, what: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name):
        said = f"{name[:64]!r} cannot name {what}: letters, digits, - and _, a letter first"
        raise ValueError(said)


class Config(Options):
    """`knownas.toml` as a whole."""

    server: Server = Server()
    limits: Limits = Limits()
    capabilities: Capabilities = Capabilities()
    auth: Auth | None = None
    state: State = State()
    redis: Redis = Redis()
    cache: Cache = Cache()
    documents: Documents = Documents()
    inbox: Inbox = Inbox()
    live_record: LiveRecord = LiveRecord()
    extractor: Extractor = Extractor()
    log: Log = Log()
    identity: Identity = Identity()
    sources: dict[str, Source] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _strangers_need_tokens(self) -> Self:
        if is_loopback(self.server.host):
            return self
        if self.auth is None or not self.auth.tokens:
            raise ValueError(
                "server.host: an address other than a loopback one needs [[auth.tokens]]"
                " (`knownas token new` makes one)"
            )
        if self.auth.anonymous_scopes:
            raise ValueError("auth.anonymous_scopes: only with a loopback server.host")
        return self

    @field_validator("sources")
    @classmethod
    def _names_fit_ids_and_addresses(cls, sources: dict[str, Source]) -> dict[str, Source]:
        for name in sources:
            _require_name(name, "a source")
        return sources

    @model_validator(mode="after")
    def _systems_are_no_sources(self) -> Self:
        for name in self.live_record.systems:
            _require_name(name, "a system")
            if name in self.sources:
                raise ValueError(f"live_record.systems: {name!r} is a source, and may tell as such")
        return self

    @model_validator(mode="after")
    def _customer_keys_lead_somewhere(self) -> Self:
        allowed = {"own", "email", "phone", *self.sources}
        for name, source in self.sources.items():
            if source.customer_key not in allowed:
                raise ValueError(
                    f'sources.{name}.customer_key: must be "own", "email", "phone" or the name of'
                    f" a source"
                )
        return self
