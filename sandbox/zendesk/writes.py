"""Changes through the API: users, tickets and their comments.

Source: Users, Tickets. A comment is written by updating its ticket; a closed ticket stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from sandbox.rows import Comment, Ticket, TicketUser
from sandbox.vendor import Json
from sandbox.wire import iso_seconds
from sandbox.world import World
from sandbox.zendesk.errors import invalid_record, not_found


class CommentInput(BaseModel):
    body: str
    public: bool = True
    author_id: int | None = None


class Requester(BaseModel):
    name: str
    email: str | None = None


class TicketInput(BaseModel):
    """Fields left out stay as they are."""

    model_config = ConfigDict(extra="ignore")

    subject: str | None = None
    comment: CommentInput | None = None
    requester: Requester | None = None
    requester_id: int | None = None
    assignee_id: int | None = None
    external_id: str | None = None
    status: Literal["new", "open", "pending", "hold", "solved", "closed"] | None = None
    priority: Literal["urgent", "high", "normal", "low"] | None = None
    type: Literal["problem", "incident", "question", "task"] | None = None
    tags: list[str] | None = None


class TicketBody(BaseModel):
    ticket: TicketInput


class UserInput(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    role: Literal["end-user", "agent", "admin"] | None = None
    notes: str | None = None
    tags: list[str] | None = None


class UserBody(BaseModel):
    user: UserInput


class Writes:
    """Applies changes to one world, as the first agent would."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create_ticket(self, asked: TicketInput) -> Ticket:
        if asked.comment is None:
            raise invalid_record({"base": "Description: cannot be blank"})
        now = self._world.now()
        requester_id = self._requester(asked)
        ticket = Ticket(
            id=self._world.tickets.next_id(),
            requester_id=requester_id,
            submitter_id=self._me(),
            subject=asked.subject or asked.comment.body[:80],
            status="new",
            channel="web",
            created_at=now,
            updated_at=now,
            comments=(self._comment(asked.comment, requester_id),),
        )
        return self._world.tickets.add(replace(ticket, **_ticket_changes(asked)))

    def update_ticket(self, ticket_id: str, asked: TicketInput) -> tuple[Ticket, Json]:
        """The changed ticket, and the audit of the change."""
        before = self._world.tickets.get(ticket_id)
        if before is None or before.deleted_at is not None:
            raise not_found()
        if before.status == "closed":
            raise invalid_record({"status": "Status: closed prevents ticket update"})
        changes = _ticket_changes(asked)
        if asked.requester_id is not None or asked.requester is not None:
            changes["requester_id"] = self._requester(asked)
        if asked.comment is not None:
            comment = self._comment(asked.comment, self._me())
            changes["comments"] = (*before.comments, comment)
        after = self._world.tickets.change(ticket_id, **changes)
        return after, self._audit(before, after)

    def create_or_update_user(self, asked: UserInput) -> tuple[TicketUser, bool]:
        """The user, and whether they are new. Found by e-mail, then by external id."""
        known = self._known(asked)
        if known is not None:
            return self.update_user(known.id, asked), False
        if not asked.name:
            raise invalid_record({"name": "Name: is too short (minimum one character)"})
        return self._new_user(asked), True

    def update_user(self, user_id: str, asked: UserInput) -> TicketUser:
        row = self._world.ticket_users.get(user_id)
        if row is None or row.deleted_at is not None:
            raise not_found()
        holder = self._known(UserInput(email=asked.email))
        if holder is not None and holder.id != user_id:
            raise invalid_record({"email": f"Email: {asked.email} is already being used"})
        return self._world.ticket_users.change(user_id, **_set(asked))

    def _new_user(self, asked: UserInput) -> TicketUser:
        now = self._world.now()
        row = TicketUser(
            id=self._world.ticket_users.next_id(),
            name=asked.name or "",
            created_at=now,
            updated_at=now,
        )
        return self._world.ticket_users.add(replace(row, **_set(asked)))

    def _requester(self, asked: TicketInput) -> str:
        if asked.requester_id is not None:
            row = self._world.ticket_users.get(str(asked.requester_id))
            if row is None or row.deleted_at is not None:
                raise invalid_record({"requester": "Requester: is not a user"})
            return row.id
        if asked.requester is None:
            return self._me()
        person = UserInput(name=asked.requester.name, email=asked.requester.email)
        return (self._known(person) or self._new_user(person)).id

    def _known(self, asked: UserInput) -> TicketUser | None:
        email, external_id = (asked.email or "").lower(), asked.external_id
        for row in self._world.ticket_users.live():
            if email and email in {held.lower() for held in (row.email, *row.other_emails) if held}:
                return row
            if external_id and external_id == row.external_id:
                return row
        return None

    def _comment(self, asked: CommentInput, author_id: str) -> Comment:
        return Comment(
            id=self._world.part_id(),
            author_id=author_id if asked.author_id is None else str(asked.author_id),
            body=asked.body,
            public=asked.public,
            channel="api",
            created_at=self._world.now(),
        )

    def _audit(self, before: Ticket, after: Ticket) -> Json:
        events: list[Json] = [
            {
                "id": int(self._world.part_id()),
                "type": "Change",
                "field_name": name,
                "value": getattr(after, name),
            }
            for name in ("subject", "status", "priority")
            if getattr(before, name) != getattr(after, name)
        ]
        events += [
            {"id": int(comment.id), "type": "Comment", "body": comment.body}
            for comment in after.comments[len(before.comments) :]
        ]
        return {
            "id": int(self._world.part_id()),
            "ticket_id": int(after.id),
            "author_id": int(self._me()),
            "created_at": iso_seconds(after.updated_at),
            "events": events,
            "metadata": {"system": {}, "custom": {}},
            "via": {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}},
        }

    def _me(self) -> str:
        return self._world.agent_ids[0]


def _ticket_changes(asked: TicketInput) -> dict[str, Any]:
    """Row fields to replace. A field given as null is cleared where the row may be without it."""
    given = asked.model_dump(
        exclude_unset=True, include={"external_id", "priority", "assignee_id", "type"}
    )
    changes: dict[str, Any] = {**given, **_told(asked, "subject", "status")}
    if "type" in changes:
        changes["kind"] = changes.pop("type")
    if changes.get("assignee_id") is not None:
        changes["assignee_id"] = str(changes["assignee_id"])
    if asked.tags is not None:
        changes["tags"] = tuple(asked.tags)
    return changes


def _set(asked: UserInput) -> dict[str, Any]:
    given = asked.model_dump(exclude_unset=True, include={"phone", "external_id", "notes"})
    changes: dict[str, Any] = {**given, **_told(asked, "name", "email", "role")}
    if asked.tags is not None:
        changes["tags"] = tuple(asked.tags)
    return changes


def _told(asked: BaseModel, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(asked, name)) is not None}
