"""Request Tracker's REST2 as data: kinds, limits, credentials."""

from datetime import timedelta

from connectors.request import ACCOUNT
from connectors.rt import mapping, queries
from connectors.rt.credentials import TokenOrPassword
from connectors.spec import (
    BatchRead,
    ChildRead,
    Endpoint,
    Figure,
    KeyRead,
    Limits,
    Option,
    Rate,
    Since,
    Spec,
    decimal_id,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind


def policy(*covers: Kind) -> CursorPolicy:
    return CursorPolicy(
        kind=CursorKind.TIMESTAMP,
        resolution=timedelta(seconds=1),
        # A row shows when its transaction ends, under the time it was written.
        overlap=timedelta(minutes=10),
        covers=frozenset(covers),
        # What is deleted or switched off leaves every list without a trace.
        full_scan_every=timedelta(days=1),
    )


USERS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_user,
        read=queries.read_user,
        size=Figure(1, "RT::REST2, Users: no list of users can be asked for by id"),
        valid=decimal_id,
    ),
    search={KeyKind.EMAIL: KeyRead(ask=queries.ask_by_email, read=queries.read_users)},
    changed_since=Since(
        ask=queries.ask_changed_users,
        read=queries.read_changed_users,
        policy=policy(Kind.CONTACT),
    ),
)

TICKETS = Endpoint(
    map=mapping.ticket,
    get_many=BatchRead(
        ask=queries.ask_tickets,
        read=queries.read_tickets,
        size=Figure(50, "ours: keeps the address below 2,000 characters; 100 rows a page"),
        valid=decimal_id,
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_tickets_of,
            read=queries.read_tickets_of,
            size=Figure(25, "ours: keeps the address below 2,000 characters"),
            page=queries.PAGE,
            valid=decimal_id,
        )
    },
    changed_since=Since(
        ask=queries.ask_changed_tickets,
        read=queries.read_changed_tickets,
        # LastUpdated moves with every transaction of a ticket, replies and comments among them.
        policy=policy(Kind.TICKET, Kind.MESSAGE),
    ),
)

MESSAGES = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_messages,
            read=queries.read_messages,
            gather=queries.gather_messages,
            lists=queries.LISTS,
            size=Figure(1, "RT::REST2, Tickets: history and attachments are of one ticket"),
            page=queries.PAGE,
            newest_first=False,
            valid=decimal_id,
        )
    },
)

SPEC = Spec(
    connector="rt",
    system=SystemKind.TICKETING,
    base_url="https://{host}",
    auth=TokenOrPassword(),
    limits=Limits(
        concurrency=Figure(4, "ours: RT names no limit; a server runs a few workers"),
        rates={ACCOUNT: Rate(Figure(600, "ours: RT names no limit; a company's own server"), 60)},
    ),
    kinds={Kind.CONTACT: USERS, Kind.TICKET: TICKETS, Kind.MESSAGE: MESSAGES},
    options=(
        Option("host", "the server's name, where base_url is not set"),
        Option("user", "the login whose password is given in place of a token"),
        Option("staff", "who is no customer: logins and @domains, with commas", "root"),
    ),
)
