"""Making many frozen records quickly.

A frozen dataclass sets each attribute by a call, which takes several times as long as setting it.
So where records are made by the hundred for each request, their slots are filled while they are of
a class that is not frozen, and has the same ones:

    made = NEW()                      # NEW = thawed(SourceKey)
    made.source, made.kind, made.external_id = "crm", Kind.CONTACT, "1"
    made.__class__ = SourceKey        # from here on it is frozen, and like any other
"""

from dataclasses import fields
from functools import cache
from types import new_class
from typing import Any


@cache
def thawed(record: type[Any]) -> type[Any]:
    """The class to fill: made without arguments, and attributes are set as on any object. All must
    be, since defaults are the record's own business.

    One that is not frozen must not inherit from one that is: setting would still be a call.
    """
    slots = tuple(each.name for each in fields(record))
    bases = getattr(record, "__orig_bases__", record.__bases__)
    return new_class(record.__name__, bases, exec_body=lambda body: body.update(__slots__=slots))
