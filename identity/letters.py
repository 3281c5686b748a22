"""Any script to lower-case ASCII: the form every other rule starts from."""

import unicodedata
from functools import lru_cache

from anyascii import anyascii

SPACES = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f"), " ")


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Accents folded, other scripts transliterated (anyascii), lower case, controls as spaces.

    NFKC first, since full-width and ligature forms of one letter must not differ; it also joins
    combining accents, which anyascii would otherwise drop differently from ready-made letters.
    """
    if text.isascii():
        return text.translate(SPACES).lower()
    composed = unicodedata.normalize("NFKC", text)
    return anyascii(composed).translate(SPACES).lower()
