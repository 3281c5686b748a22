"""The tables of the live record: who tells what happens, and what reads it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.auth import Secret
from gateway.config_values import BaseUrl, Listed, Options, SecretOption, Sha256, SystemName


class Site(Options):
    """A shop or page whose visits come in by `POST /collect`."""

    system: str = Field(
        min_length=1, description="The system that is told of, one of `live_record.systems`."
    )
    write_key: str = Field(
        min_length=8,
        max_length=200,
        description="What its pages name themselves by. It is public: whoever reads a page has it.",
    )
    server_key: Sha256 | None = Field(
        default=None,
        description="Hash of a second, secret key (`knownas token new` makes one) for the site's"
        " own server: who logged in there is AUTHENTICATED. What pages say of users is ASSERTED.",
    )


class LiveRecord(Options):
    """Who tells what happens, docs/events.md. Every source may."""

    systems: dict[str, SystemName] = Field(
        default_factory=dict,
        description="Systems beside the sources that tell events, by name, with what they are:"
        " CRM, OMS, TICKETING, CHAT, VOICE, EMAIL, SOCIAL, WEB, STORE or SURVEY, as in { phones ="
        ' "VOICE" }.',
    )
    sites: Listed[Site] = Field(default=(), description="Sites that are collected from.")
    collect_bytes: int = Field(
        default=500_000, ge=1_000, description="Largest body of `/collect`. More is TOO_LARGE."
    )

    @model_validator(mode="after")
    def _sites_tell(self) -> Self:
        keys = [site.write_key for site in self.sites]
        if len(set(keys)) < len(keys):
            raise ValueError("two sites have the same write_key")
        for site in self.sites:
            if self.systems.get(site.system) != "WEB":
                raise ValueError(f"sites: {site.system!r} is no system of the kind WEB")
        return self


class Extractor(Options):
    """What reads statements out of texts, docs/context.md."""

    kind: Literal["rules", "openai"] = Field(
        default="rules",
        description="`rules` work offline. `openai` hands texts to a model at `extractor.base_url`"
        " that speaks the chat completions of OpenAI; where it does not answer, the rules do.",
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Where the model answers, as in https://models.example.com/v1."
    )
    model: str = Field(default="", max_length=200, description="The name it is asked under.")
    token: SecretOption = Field(
        default=Secret(""), description="Its token, as a secret; empty where it wants none."
    )
    timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=120,
        description="Longest wait for it; the deadline of an operation may be shorter.",
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.kind == "openai" and not (self.base_url and self.model):
            raise ValueError("openai needs base_url and model")
        return self
