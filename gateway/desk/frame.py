"""What all pages have in common: layout, assets, headers, and how values are written for people.

Text of records is hostile until it is escaped: templates escape by themselves, there is no inline
script or style, and the policy allows none.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from gateway.desk.sessions import PATH, Session
from resolvers.dossiers import name_of
from resolvers.links import label

HERE: Final = Path(str(resources.files("gateway.desk")))

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
UNKNOWN: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"
_HEADERS: Final = {"content-security-policy": POLICY, "cache-control": "no-store"}


class Frame:
    """Renders templates of this folder. `known` is what every template may read."""

    def __init__(self, **known: Any) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(_FILTERS)
        self._templates.globals.update(known | {"desk": PATH})

    def page(
        self, template: str, session: Session | None, status: int = 200, **data: Any
    ) -> HTMLResponse:
        """A whole page; `session` is None for who has not signed in."""
        text = self._templates.get_template(template).render(session=session, **data)
        return HTMLResponse(text, status_code=status, headers=_HEADERS)


def assets() -> Mount:
    return Mount("/assets", StaticFiles(directory=HERE / "assets"))


def _when(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %b %Y")


def _weight(value: float | None) -> str:
    """With its sign, which is a true minus where it is one."""
    return UNKNOWN if value is None else f"{value:+.1f}".replace("-", MINUS)


def _percent(value: float | None) -> str:
    """Never rounded up to certainty."""
    if value is None:
        return UNKNOWN
    return "over 99.9 %" if value > 0.999 else f"{100 * value:.1f} %"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "when": _when,
    "day": _day,
    "weight": _weight,
    "percent": _percent,
    "sentence": _sentence,
    "label": label,
    "name_of": name_of,
}
