"""Tables of what happens in interactions: the events, what they come to, the log, and what was
claimed of the people in them.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from state.tables import ByteText, UtcTime, metadata

interaction_events = Table(
    # As they came. `subject` is the packed key of the interaction.
    "interaction_events",
    metadata,
    Column("system", ByteText, primary_key=True),
    Column("event_id", ByteText, primary_key=True),
    Column("subject", ByteText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "subject"),
)

interactions = Table(
    # What the events come to; `record` is None where they come to nothing yet. It counts as going
    # on until `until`: its end, or that of its lease. Without either it never was.
    "interactions",
    metadata,
    Column("key", ByteText, primary_key=True),
    Column("began_at", UtcTime),
    Column("external_id", ByteText, nullable=False),
    Column("source", ByteText, nullable=False),
    Column("until", UtcTime),
    Column("record", LargeBinary),
    Column("course", LargeBinary),
    Column("messages", LargeBinary),
)

interaction_contacts = Table(
    "interaction_contacts",
    metadata,
    Column("contact", ByteText, primary_key=True),
    Column("interaction", ByteText, primary_key=True),
    Index(None, "interaction"),
    sqlite_with_rowid=False,
)

activity_head = Table(
    # One row: the sequence of the last entry. Whoever writes the log takes it first, so that what
    # is committed later never has a lower sequence.
    "activity_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
)

activities = Table(
    "activities",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("item", ByteText),
    Column("contacts", LargeBinary, nullable=False),  # a JSON list of packed keys
    Column("customer", ByteText),
    Column("channel", Text),
)

activity_contacts = Table(
    "activity_contacts",
    metadata,
    Column("contact", ByteText, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

event_claims = Table(
    # Every identifier that an event claimed of a record, each way it was trusted.
    "event_claims",
    metadata,
    Column("contact", ByteText, primary_key=True),
    Column("kind", ByteText, primary_key=True),
    Column("scope", ByteText, primary_key=True),
    Column("value", ByteText, primary_key=True),
    Column("verification", ByteText, primary_key=True),
    sqlite_with_rowid=False,
)

visitors = Table(
    # `home` is the record that stands for the visitor. `consent` is the latest word on it.
    "visitors",
    metadata,
    Column("id", ByteText, primary_key=True),
    Column("home", ByteText, nullable=False),
    Column("consent", Boolean),
    Column("consent_at", UtcTime),
)

visitor_people = Table(
    # Records of those who identified themselves under a visitor id.
    "visitor_people",
    metadata,
    Column("visitor", ByteText, primary_key=True),
    Column("person", ByteText, primary_key=True),
    Index(None, "person"),
    sqlite_with_rowid=False,
)

handoffs = Table(
    # By who made it (`actor`) under which key; `body` is the whole of it.
    "handoffs",
    metadata,
    Column("number", ByteText, primary_key=True),
    Column("actor", ByteText, nullable=False),
    Column("key", ByteText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "actor", "key", unique=True),
)
