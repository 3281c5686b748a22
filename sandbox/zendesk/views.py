"""Users, tickets and comments as Zendesk shows them. Source: the Support API description."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.rows import Comment, Ticket, TicketUser
from sandbox.vendor import Json
from sandbox.wire import iso_seconds
from sandbox.world import World


def user(row: TicketUser, base: str) -> Json:
    """`base` is where the API is reached, with its closing slash. A deleted user is inactive."""
    return {
        "id": int(row.id),
        "url": f"{base}api/v2/users/{row.id}.json",
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "shared_phone_number": None,
        "external_id": row.external_id,
        "role": row.role,
        "active": row.deleted_at is None,
        "verified": True,
        "suspended": False,
        "notes": row.notes or "",
        "details": "",
        "tags": list(row.tags),
        "time_zone": row.time_zone,
        "locale": row.locale,
        "organization_id": None,
        "photo": None,
        "user_fields": {},
        "created_at": iso_seconds(row.created_at),
        "updated_at": iso_seconds(row.updated_at),
    }


def ticket(row: Ticket, base: str) -> Json:
    """A deleted ticket has the status "deleted"; only the incremental export shows it."""
    return {
        "id": int(row.id),
        "url": f"{base}api/v2/tickets/{row.id}.json",
        "external_id": row.external_id,
        "subject": row.subject,
        "raw_subject": row.subject,
        "description": row.comments[0].body if row.comments else "",
        "status": row.status if row.deleted_at is None else "deleted",
        "priority": row.priority,
        "type": row.kind,
        "via": {"channel": row.channel, "source": {"from": {}, "to": {}, "rel": None}},
        "requester_id": int(row.requester_id),
        "submitter_id": int(row.submitter_id),
        "assignee_id": None if row.assignee_id is None else int(row.assignee_id),
        "organization_id": None,
        "group_id": None,
        "problem_id": None,
        "has_incidents": False,
        "is_public": any(comment.public for comment in row.comments),
        "due_at": None,
        "tags": list(row.tags),
        "custom_fields": [],
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "followup_ids": [],
        "sharing_agreement_ids": [],
        "satisfaction_rating": {"score": "unoffered"},
        "allow_attachments": True,
        "allow_channelback": False,
        "from_messaging_channel": False,
        "created_at": iso_seconds(row.created_at),
        "updated_at": iso_seconds(row.updated_at),
    }


def people(world: World, tickets: Iterable[Json], base: str) -> list[Json]:
    """Requesters, submitters and assignees of tickets as shown: what `include=users` adds."""
    roles = ("requester_id", "submitter_id", "assignee_id")
    ids = {shown[role] for shown in tickets for role in roles if shown.get(role) is not None}
    rows = (world.ticket_users.get(str(user_id)) for user_id in sorted(ids))
    return [user(row, base) for row in rows if row is not None]


def comment(row: Comment) -> Json:
    shown: dict[str, Json] = {
        "id": int(row.id),
        "type": row.kind,
        "author_id": int(row.author_id),
        "body": row.body,
        "html_body": f'<div class="zd-comment" dir="auto">{row.body}</div>',
        "plain_body": row.body,
        "public": row.public,
        "attachments": [],
        "audit_id": int(row.id) + 1,
        "via": {"channel": row.channel, "source": {"from": {}, "to": {}, "rel": None}},
        "metadata": {"system": {}, "custom": {}},
        "created_at": iso_seconds(row.created_at),
    }
    if row.kind == "VoiceComment":
        shown["data"] = {
            "started_at": iso_seconds(row.created_at),
            "call_duration": row.call_seconds,
            "transcription_text": row.body,
            "recording_url": None,
        }
    return shown


def identities(row: TicketUser, base: str) -> list[Json]:
    """Every address and number of a user, the primary of each kind first."""
    emails = [row.email, *row.other_emails]
    phones = [row.phone, *row.other_phones]
    held = [("email", value, n == 0) for n, value in enumerate(emails) if value]
    held += [("phone_number", value, n == 0) for n, value in enumerate(phones) if value]
    return [
        {
            "id": int(row.id) * 100 + n,
            "url": f"{base}api/v2/users/{row.id}/identities/{int(row.id) * 100 + n}.json",
            "user_id": int(row.id),
            "type": kind,
            "value": value,
            "primary": primary,
            "verified": True,
            "created_at": iso_seconds(row.created_at),
            "updated_at": iso_seconds(row.updated_at),
        }
        for n, (kind, value, primary) in enumerate(held)
    ]
