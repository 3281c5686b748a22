"""What reads statements out of texts, as the configuration chooses."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from connectors.extraction.extractor import Model, ModelExtractor
from connectors.sender import Sender
from domain.context import Extractor
from domain.ports import Telemetry
from gateway.config import Config
from journey.context.rules import RuleExtractor


def extractor(
    config: Config, new_sender: Callable[[], Sender], telemetry: Telemetry, closing: AsyncExitStack
) -> Extractor:
    """The rules, or a model with the rules behind it; what it opens is closed with the program."""
    settings, rules = config.extractor, RuleExtractor()
    if settings.kind == "rules" or settings.base_url is None:
        return rules
    model = Model(
        base_url=settings.base_url,
        name=settings.model,
        token=settings.token,
        timeout_s=settings.timeout_s,
    )
    made = ModelExtractor(model, new_sender(), rules, telemetry)
    closing.push_async_callback(made.close)
    return made
