"""What reads statements out of texts, as the configuration chooses."""

from contextlib import AsyncExitStack

import httpx
import pytest

from connectors.extraction.extractor import ModelExtractor
from connectors.httpx_sender import HttpxSender
from domain.errors import ConfigError
from gateway.config_file import checked
from gateway.extraction import extractor
from gateway.telemetry import PrometheusTelemetry
from journey.context.rules import RuleExtractor

MODEL = {
    "kind": "openai",
    "base_url": "https://models.example.com/v1",
    "model": "reader",
    "token": {"env": "MODELS_TOKEN"},
}


@pytest.fixture
async def chosen():
    async with AsyncExitStack() as closing:

        def of(table):
            config = checked({"extractor": table}, {"MODELS_TOKEN": "planted-1"})
            sender = HttpxSender(httpx.MockTransport(lambda _: httpx.Response(500)))
            return extractor(config, lambda: sender, PrometheusTelemetry("0"), closing)

        yield of


async def test_the_rules_read_where_nothing_is_said(chosen):
    assert isinstance(chosen({}), RuleExtractor)


async def test_a_model_reads_where_one_is_named(chosen):
    assert isinstance(chosen(MODEL), ModelExtractor)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kind": "openai"}, "openai needs base_url and model"),
        (MODEL | {"token": "sk-literal"}, "a literal secret is refused"),
        (MODEL | {"kind": "magic"}, "kind"),
    ],
)
async def test_a_model_that_cannot_be_asked_is_refused(wrong, told):
    with pytest.raises(ConfigError, match=told) as refused:
        checked({"extractor": wrong}, {"MODELS_TOKEN": "planted-1"})
    assert "sk-literal" not in str(refused.value)
