"""Contacts as HubSpot finds and changes them: by id, by e-mail, after merges, in the archive.

A merge makes a third contact with an id of its own; both old ids lead to it in single and batch
reads, while lists and searches show it alone. It names them in `hs_merged_object_ids`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Final

from sandbox.hubspot.errors import conflict, invalid, not_found
from sandbox.hubspot.properties import KNOWN, WRITABLE
from sandbox.rows import CrmContact
from sandbox.world import World

_UNIQUE: Final = frozenset({"email", "hs_object_id"})


class Contacts:
    """The CRM's contacts over the world's rows."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.crm_contacts
        self._merged_into: dict[str, str] = {}

    def listed(self, *, archived: bool = False) -> list[CrmContact]:
        """Live contacts, or only the archived ones, by id."""
        rows = (row for row in self._rows.all() if (row.deleted_at is not None) == archived)
        return sorted(rows, key=lambda row: int(row.id))

    def find(
        self, key: str, *, id_property: str | None = None, archived: bool = False
    ) -> CrmContact | None:
        """The contact a key stands for; a merged id leads to what it was merged into."""
        row = self._by_email(key) if self._is_email(id_property) else self._by_id(key)
        return None if row is None or (row.deleted_at is not None) != archived else row

    def one(
        self, key: str, *, id_property: str | None = None, archived: bool = False
    ) -> CrmContact:
        row = self.find(key, id_property=id_property, archived=archived)
        if row is None:
            raise not_found(key)
        return row

    def create(self, properties: Mapping[str, str | None]) -> CrmContact:
        changes = self._changes(properties)
        email = changes.get("email")
        if email is not None and (existing := self._by_email(email)) is not None:
            raise conflict(existing.id)
        now = self._world.now()
        row = CrmContact(id=self._rows.next_id(), created_at=now, updated_at=now)
        return self._rows.add(replace(row, **changes))  # type: ignore[arg-type]  # WRITABLE only

    def update(
        self, key: str, properties: Mapping[str, str | None], *, id_property: str | None = None
    ) -> CrmContact:
        changes = self._changes(properties)
        row = self.one(key, id_property=id_property)
        email = changes.get("email")
        holder = None if email is None else self._by_email(email)
        if holder is not None and holder.id != row.id:
            raise conflict(holder.id)
        return self._rows.change(row.id, **changes)

    def archive(self, key: str) -> None:
        """To the recycle bin; doing it again changes nothing."""
        row = self._by_id(key)
        if row is None:
            raise not_found(key)
        if row.deleted_at is None:
            self._rows.remove(row.id)

    def erase(self, key: str, *, id_property: str | None = None) -> None:
        """Gone for good, from the archive too."""
        row = self._by_email(key) if self._is_email(id_property) else self._by_id(key)
        if row is None:
            raise not_found(key)
        self._rows.erase(row.id)

    def merge(self, primary_id: str, other_id: str) -> CrmContact:
        """The primary's values win; what it lacks comes from the other."""
        primary, other = self.one(primary_id), self.one(other_id)
        if primary.id == other.id:
            raise invalid("objectIdToMerge and primaryObjectId must be different contacts")
        merged = self._rows.add(self._union(primary, other))
        for gone in (primary, other):
            self._rows.erase(gone.id)
        for old_id in merged.merged_ids:
            self._merged_into[old_id] = merged.id
        return merged

    def _union(self, primary: CrmContact, other: CrmContact) -> CrmContact:
        filled = {
            field.name: getattr(primary, field.name) or getattr(other, field.name)
            for field in fields(CrmContact)
        }
        emails = (primary.email, *primary.additional_emails, other.email, *other.additional_emails)
        further = dict.fromkeys(email for email in emails if email and email != filled["email"])
        return replace(
            CrmContact(**filled),
            id=self._rows.next_id(),
            additional_emails=tuple(further),
            merged_ids=(*primary.merged_ids, primary.id, *other.merged_ids, other.id),
            updated_at=max(self._world.now(), primary.updated_at, other.updated_at),
        )

    def _by_id(self, contact_id: str) -> CrmContact | None:
        return self._rows.get(self._merged_into.get(contact_id, contact_id))

    def _by_email(self, email: str) -> CrmContact | None:
        """Live contacts first: an archived one may hold the same address."""
        wanted = email.lower()
        rows = sorted(self._rows.all(), key=lambda row: row.deleted_at is not None)
        holders = (row for row in rows if wanted in _emails(row))
        return next(holders, None)

    def _is_email(self, id_property: str | None) -> bool:
        if id_property is not None and id_property not in _UNIQUE:
            raise invalid(f"{id_property!r} is not a unique property of contacts")
        return id_property == "email"

    def _changes(self, properties: Mapping[str, str | None]) -> dict[str, str | None]:
        """The properties to write; an empty text clears one. Raises Refused."""
        for name in properties:
            if name not in KNOWN:
                message = f'Property "{name}" does not exist'
                raise invalid(message, code="PROPERTY_DOESNT_EXIST")
            if name not in WRITABLE:
                raise invalid(f'"{name}" is read only', code="READ_ONLY_VALUE")
        email = properties.get("email")
        if email and "@" not in email:
            raise invalid(f"Email address {email} is invalid", code="INVALID_EMAIL")
        return {name: text or None for name, text in properties.items()}


def _emails(row: CrmContact) -> set[str]:
    return {email.lower() for email in (row.email, *row.additional_emails) if email}
