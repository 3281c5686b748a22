"""What a mail consists of, by its BODYSTRUCTURE (RFC 3501, 7.4.2): which parts are its text, and
what the others are called. So attachments are never fetched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import collapse_rfc2231_value, decode_params
from typing import Any

from connectors.imap.mail import MALFORMED, decoded, filename

_DISPOSITION = {"text": 9, "message/rfc822": 11}
"""Where it stands: text has its lines before it, an enclosed mail its own structure as well."""
_DEEPEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part that holds text. `section` is what it is fetched by."""

    section: str
    html: bool
    charset: str
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    parts: tuple[Part, ...] = ()
    attachments: tuple[str, ...] = ()


def structure(body: Any) -> Structure:
    """Of alternatives the plain text is taken, else the HTML; of a mixture every text that is no
    attachment. What cannot be read counts as having no parts.
    """
    try:
        found = list(_walked(body, "", 0))
    except MALFORMED:
        return Structure()
    parts = [one for one in found if isinstance(one, Part)]
    return Structure(
        parts=tuple(parts), attachments=tuple(one for one in found if isinstance(one, str))
    )


def _walked(body: Any, section: str, depth: int) -> Iterator[Part | str]:
    """Text parts, and names of attachments, in their order."""
    if depth > _DEEPEST:
        return
    if isinstance(body[0], list):
        below = [
            list(_walked(each, f"{section}.{number}".lstrip("."), depth + 1))
            for number, each in enumerate(body[0], 1)
        ]
        yield from _chosen(below) if _word(body[1]) == "alternative" else _all(below)
        return
    yield from _single(body, section or "1")


def _all(below: Sequence[Sequence[Part | str]]) -> Iterator[Part | str]:
    return (one for some in below for one in some)


def _chosen(below: Sequence[Sequence[Part | str]]) -> Iterator[Part | str]:
    """The alternative that is plain text, else the last with any; and every attachment: programs
    put them here, too.
    """
    texts = [[one for one in some if isinstance(one, Part)] for some in below]
    full = [some for some in texts if some]
    plain = [some for some in full if not any(part.html for part in some)]
    yield from (plain[:1] or full[-1:] or [[]])[0]
    yield from (one for some in below for one in some if isinstance(one, str))


def _single(body: Any, section: str) -> Iterator[Part | str]:
    major, minor, given = _word(body[0]), _word(body[1]), _parameters(body[2])
    kind, named = _disposition(body, major, minor)
    name = named.get("filename") or given.get("name")
    if major == "text" and minor in ("plain", "html") and kind != "attachment" and not name:
        yield Part(
            section=section,
            html=minor == "html",
            charset=given.get("charset", "utf-8"),
            encoding=_word(body[5]),
        )
    elif name or kind == "attachment" or (major, minor) == ("message", "rfc822"):
        yield name or f"{major}/{minor}"


def _disposition(body: Any, major: str, minor: str) -> tuple[str, dict[str, str]]:
    place = _DISPOSITION.get(major) or _DISPOSITION.get(f"{major}/{minor}", 8)
    said = body[place] if len(body) > place else None
    if not isinstance(said, tuple) or len(said) < 2:
        return "", {}
    return _word(said[0]), _parameters(said[1])


def _parameters(pairs: Any) -> dict[str, str]:
    """Names in lower case; RFC 2231's continuations, charsets and percent signs undone."""
    if not isinstance(pairs, tuple):
        return {}
    texts = [decoded(one, "utf-8") if isinstance(one, bytes) else str(one) for one in pairs]
    given = [("", ""), *zip(map(str.lower, texts[::2]), texts[1::2], strict=False)]
    found: dict[str, str] = {}
    for name, value in decode_params(given)[1:]:
        plain = collapse_rfc2231_value(value).strip('"')
        found[name.lower()] = (filename(plain) or "") if "name" in name else plain
    return found


def _word(value: Any) -> str:
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""
