"""Where in an answer a source left something out."""

from collections.abc import Iterable

from domain.errors import SourceError
from schema.base import Info


def report(info: Info, failures: Iterable[SourceError]) -> None:
    """Tell the operation: the answer gets one error for each source and field."""
    lost = tuple(failures)
    if lost:
        info.context.report(tuple(info.path.as_list()), lost)
