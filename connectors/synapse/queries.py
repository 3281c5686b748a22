"""What is asked of Matrix Synapse, and how the answers are read.

Documents: Synapse admin API (Users, Rooms, threepids); Matrix client-server API (sync). A list of
accounts shows no e-mail and no phone, and a list of rooms no time: both tell ids, which are read
one by one. Only rooms that somebody of the desk is in are conversations.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.matching import digits
from connectors.reading import Options, Row, RowError, identifier, unix_milliseconds
from connectors.request import Request, get, segment
from connectors.spec import (
    ChildrenAsk,
    Figure,
    GetAsk,
    Page,
    SearchAsk,
    SinceAsk,
    StreamAsk,
)
from connectors.synapse.mapping import LEFT, MATRIX

ADMIN = "/_synapse/admin"
GONE = frozenset({404})
LISTED = Figure(50, "ours: of any limit; each account or room listed is read by itself")
PAGE = Figure(100, "ours: of any limit; 100 events are below 100 kB")
STATE, LAST = 0, 1
LISTS = 2
_LATEST = 10
"""How many events are looked through for the last message: edits are events too."""
_SPOKEN = {"types": ["m.room.message", "m.room.encrypted"]}
_CHANGES = {
    "room": {"timeline": {"limit": 1}, "state": {"types": []}, "ephemeral": {"types": []}},
    "presence": {"types": []},
    "account_data": {"types": []},
}


def ask_account(ask: GetAsk) -> Request:
    return _account(ask.ids[0])


def ask_by_email(ask: SearchAsk) -> Request:
    """Kept in lower case, and found in no other."""
    return _bound("email", ask.key.value.strip().lower())


def ask_by_phone(ask: SearchAsk) -> Request:
    """Kept as digits with the country's, without a plus sign."""
    return _bound("msisdn", digits(ask.key.value))


def ask_by_handle(ask: SearchAsk) -> Request | None:
    """None for names on other platforms, and for those without a server."""
    name = f"@{ask.key.value.strip().lstrip('@')}"
    if ask.key.scope not in {"", MATRIX} or ":" not in name:
        return None
    return _account(name)


def ask_accounts(ask: SinceAsk) -> Request:
    """Everybody, or the youngest first: a change of a profile is told nowhere."""
    query = (
        ("from", (ask.cursor or "0/").partition("/")[0]),
        ("limit", str(LISTED.value)),
        ("guests", "false"),
        ("order_by", "creation_ts"),
        ("dir", "f" if ask.since is None else "b"),
    )
    return get(f"{ADMIN}/v2/users", query)


def ask_room(ask: GetAsk) -> Request:
    """What the room is, and what was said last in it: two calls side by side."""
    room = f"{ADMIN}/v1/rooms/{segment(ask.ids[0])}"
    if ask.part == STATE:
        return get(f"{room}/state", empty=GONE)
    return get(f"{room}/messages", _backwards(_LATEST, None), empty=GONE)


def ask_rooms_of(ask: ChildrenAsk) -> Request:
    return get(f"{ADMIN}/v1/users/{segment(ask.parents[0])}/joined_rooms", empty=GONE)


def ask_changed_rooms(ask: StreamAsk) -> Request:
    """Every room of the token's account, then what the stream tells from there."""
    chosen = json.dumps(_CHANGES, separators=(",", ":"))
    since = (("since", ask.cursor),) if ask.cursor else ()
    return get("/_matrix/client/v3/sync", (("timeout", "0"), ("filter", chosen), *since))


def ask_messages(ask: ChildrenAsk) -> Request:
    """Newest first. They cannot be asked for by time, so what lies above is read in full pages."""
    size = PAGE.value if ask.until else ask.limit
    path = f"{ADMIN}/v1/rooms/{segment(ask.parents[0])}/messages"
    return get(path, _backwards(size, ask.cursor), empty=GONE)


def read_account(data: Any, ask: Any) -> Page:
    """Nobody for an account that was closed, and for those who are no customers."""
    gone = data["deactivated"] is True or not _is_customer(data, ask.options)
    return Page(rows=() if gone else [data])


def read_bound(data: Any, _ask: SearchAsk) -> Page:
    return Page(rows=[{"id": identifier(data["user_id"])}])


def read_accounts(data: Any, ask: SinceAsk) -> Page:
    """Ids, down to the time asked for. Raises RowError where the page before comes again."""
    rows, before = data["users"], (ask.cursor or "").partition("/")[2]
    last = identifier(rows[-1]["name"]) if rows else ""
    if last and last == before:
        raise RowError("the page before")
    youngest = unix_milliseconds(rows[-1]["creation_ts"]) if rows else None
    reached = ask.since is not None and youngest is not None and youngest < ask.since
    following = data.get("next_token")
    found = [row for row in rows if row["deactivated"] is False and _is_customer(row, ask.options)]
    return Page(
        rows=[{"id": identifier(row["name"])} for row in found],
        deleted=[identifier(row["name"]) for row in rows if row["deactivated"] is True],
        cursor=None if reached or following is None else f"{following}/{last}",
    )


def read_room(data: Any, ask: GetAsk) -> Page:
    """Rows of one list, each with the number of its list."""
    rows = data["state"] if ask.part == STATE else data["chunk"]
    return Page(rows=[{"list": ask.part, "row": row} for row in rows])


def gather_room(rows: Sequence[Row], ask: GetAsk) -> Sequence[Row]:
    """The room, where it is one of the desk's; none where it is not, or is not at all."""
    desk = _desk(ask.options)
    state = [each["row"] for each in rows if each["list"] == STATE]
    if not any(_joined(event, desk) for event in state):
        return []
    said = [each["row"] for each in rows if each["list"] == LAST and _is_shown(each["row"])]
    last = {**said[0], "desk": desk} if said else None
    return [{"room_id": ask.ids[0], "state": state, "last": last, "desk": desk}]


def read_rooms_of(data: Any, _ask: ChildrenAsk) -> Page:
    return Page(rows=[{"id": identifier(room)} for room in data["joined_rooms"]])


def read_changed_rooms(data: Any, ask: StreamAsk) -> Page:
    """Rooms anything happened in. Raises RowError where the answer before comes again."""
    after = identifier(data["next_batch"])
    joined = (data.get("rooms") or {}).get("join") or {}
    rows = [{"id": room} for room in joined]
    if ask.cursor is None:
        return Page(rows=rows, cursor=after)
    if rows and after == ask.cursor:
        raise RowError("the answer before")
    return Page(rows=rows, resume=after)


def read_messages(data: Any, ask: ChildrenAsk) -> Page:
    """Without edits, which stand in the message they replace."""
    desk = _desk(ask.options)
    rows = [{**row, "desk": desk} for row in data["chunk"] if _is_shown(row)]
    return Page(rows=rows, cursor=data.get("end") if data["chunk"] else None)


def _account(mxid: str) -> Request:
    return get(f"{ADMIN}/v2/users/{segment(mxid)}", empty=GONE)


def _bound(medium: str, address: str) -> Request:
    return get(f"{ADMIN}/v1/threepid/{medium}/users/{segment(address)}", empty=GONE)


def _backwards(limit: int, cursor: str | None) -> list[tuple[str, str]]:
    query = [("dir", "b"), ("limit", str(limit)), ("filter", json.dumps(_SPOKEN))]
    return [*query, ("from", cursor)] if cursor else query


def _desk(options: Options) -> list[str]:
    return [name.strip() for name in str(options.get("desk") or "").split(",") if name.strip()]


def _is_customer(account: Row, options: Options) -> bool:
    """Administrators, bots, accounts of services and the desk are none."""
    special = account.get("admin") is True or account.get("user_type") is not None
    return not special and account["name"] not in _desk(options)


def _joined(event: Any, desk: Sequence[str]) -> bool:
    """Whether the event says that one of the desk is, or was, in the room."""
    if not isinstance(event, Mapping) or event.get("type") != "m.room.member":
        return False
    content = event.get("content")
    said = content.get("membership") if isinstance(content, Mapping) else None
    return event.get("state_key") in desk and said in {"join", *LEFT}


def _is_shown(event: Any) -> bool:
    """Whether it is something said, and no edit of that."""
    content = event.get("content") if isinstance(event, Mapping) else None
    relates = content.get("m.relates_to") if isinstance(content, Mapping) else None
    return not (isinstance(relates, Mapping) and relates.get("rel_type") == "m.replace")
