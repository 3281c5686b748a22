"""Twilio's webhooks: status callbacks of calls and messages, and incoming ones.

Document: twilio.com/docs/usage/security (validating signatures). What is signed is the address that
Twilio called and, sorted by name, every field of the form; of a JSON body the address carries a
hash. No time is signed, so age cannot be judged; SIDs and statuses tell repeats apart.
"""

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qs, parse_qsl, urlsplit

from connectors.reading import identifier, text
from connectors.twilio.threads import ends, seal
from connectors.twilio.times import rfc2822
from connectors.webhooks import Hmac, WebhookSpec
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent, WebhookRequest

Form = dict[str, str]
_PORTS = {"https": 443, "http": 80}


def signed(request: WebhookRequest) -> tuple[bytes, ...]:
    """Twilio signs the address with its port or without (its own libraries try both). Raises
    ValueError for a body that is not the one whose hash was signed.
    """
    covered = _fields(request)
    return tuple((address + covered).encode() for address in _addresses(request.url))


def form(body: bytes) -> Form:
    """The fields of a form. Raises ValueError for another body."""
    fields = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
    if not fields:
        raise ValueError("no form")
    return fields


def parse(fields: Form, _request: WebhookRequest, source: str) -> Sequence[SourceEvent]:
    """One event, or none: what Twilio tells of other things and other channels is left out."""
    if "CallSid" in fields:
        return [_of_call(fields, source)]
    if "MessageSid" in fields and not _elsewhere(fields):
        return _of_message(fields, source)
    return []


def _elsewhere(fields: Form) -> bool:
    """Whether it is another channel's: an address such as whatsapp:+447700900123."""
    return ":" in fields["From"] + fields["To"]


def _of_call(fields: Form, source: str) -> SourceEvent:
    sid, status = identifier(fields["CallSid"]), fields.get("CallStatus", "")
    return SourceEvent(
        event_id=":".join((sid, status, fields.get("SequenceNumber", ""))),
        key=SourceKey(source, Kind.CALL, sid),
        change=ChangeKind.CHANGED,
        occurred_at=rfc2822(fields.get("Timestamp")),
    )


def _of_message(fields: Form, source: str) -> list[SourceEvent]:
    """The thread has changed. An incoming message has no status, or is `received`."""
    status = text(fields.get("MessageStatus") or fields.get("SmsStatus")) or "received"
    direction = "inbound" if status in {"received", "receiving"} else "outbound-api"
    between = ends({"from": fields["From"], "to": fields["To"], "direction": direction})
    thread = seal(fields["AccountSid"], between)
    return [
        SourceEvent(
            event_id=f"{identifier(fields['MessageSid'])}:{status}",
            key=SourceKey(source, Kind.CONVERSATION, thread),
            change=ChangeKind.CHANGED,
        )
    ]


def _fields(request: WebhookRequest) -> str:
    """Names and values, sorted; a name that is repeated has each of its values once."""
    expected = parse_qs(urlsplit(request.url).query).get("bodySHA256")
    if expected:
        if not hmac.compare_digest(hashlib.sha256(request.body).hexdigest(), expected[0].lower()):
            raise ValueError("another body")
        return ""
    pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, errors="strict")
    return "".join(name + value for name, value in sorted(set(pairs)))


def _addresses(url: str) -> list[str]:
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    ported = f"{host}:{parts.port or _PORTS.get(parts.scheme, 443)}"
    return [url.replace(parts.netloc, each, 1) for each in dict.fromkeys((host, ported))]


WEBHOOKS = WebhookSpec(
    signature=Hmac(
        header="x-twilio-signature",
        document="https://www.twilio.com/docs/usage/security#validating-requests",
        digest="sha1",
        signed=signed,
    ),
    parse=parse,
    decode=form,
)
