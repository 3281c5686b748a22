"""What the customer came for, in their own words."""

import re
from collections.abc import Sequence

from domain.context import Statement
from journey.context.statements import quote
from journey.context.text import Reading

LOOKED_AT = 4
"""In so many of their first messages a customer has said why they came."""

_WISH = re.compile(
    r"\b(?:i(?:'d| would)? (?:like|want|need|wish|wanted|am trying|am looking|hope) |"
    r"i'm (?:trying|looking|calling|writing|missing|unable|having|still)|we(?:'d|"
    r" would)? (?:like|want|need) |"
    r"(?:can|could|would) you|how (?:do|can) i|can i|could i|please|(?:doesn't|does not|"
    r"isn't|not|won't|can't|cannot|stopped) (?:\w+ )?(?:work|arriv|log|open|connect|"
    r"receiv|get|been|turn|load)\w*|"
    r"(?:problem|issue|trouble|error) with|wrong|missing|broken|damaged|late|refund|"
    r"return|cancel|charged|where(?:'s| is)|cracked|faulty|leak\w*|down|lost|blocked)\b",
    re.IGNORECASE,
)


def goal(readings: Sequence[Reading]) -> Statement | None:
    """Of one thread: the first sentence that wishes for something or says what is wrong, else the
    first one that is longer than a greeting.
    """
    first = [one for one in readings if one.by_customer and one.sentences][:LOOKED_AT]
    for reading in first:
        for sentence in reading.sentences:
            if _WISH.search(sentence.plain):
                return quote(sentence.said, reading, 0.7)
    for reading in first:
        for sentence in reading.sentences:
            if len(sentence.plain.split()) >= 4:
                return quote(sentence.said, reading, 0.4)
    return None
