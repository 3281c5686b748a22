"""The tables. Migrations create them; a test holds the two together.

Text is compared byte by byte (`COLLATE "C"` on PostgreSQL, BINARY on SQLite), so that order is the
same everywhere and the beginning of a word is a range of an index. There are no foreign keys: rows
of one transaction refer to each other, and checking millions of them would double a bulk load.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, read back as UTC; SQLite keeps it as text that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


ByteText = Text().with_variant(Text(collation="C"), "postgresql")

# ---------------------------------------------------------------- records

sync_cursors = Table(
    "sync_cursors",
    metadata,
    Column("source", ByteText, primary_key=True),
    Column("kind", ByteText, primary_key=True),
    Column("cursor", Text),
    Column("scan_started_at", UtcTime),
    Column("scan_finished_at", UtcTime),
    Column("updated_at", UtcTime),
)

contacts = Table(
    # A row without a body is a tombstone: it outlives the record, so that a late update of what
    # was deleted is known for what it is.
    "contacts",
    metadata,
    Column("key", ByteText, primary_key=True),
    Column("updated_at", UtcTime),  # at the source
    Column("fetched_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),  # last time the source showed it, in any version
    Column("deleted_at", UtcTime),
    Column("merged_into", ByteText),  # the key that absorbed it at the source
    Column("digest", LargeBinary),
    Column("body", LargeBinary),
    Column("redacted", Boolean, nullable=False, server_default=false()),  # a tombstone for good
)

contact_identifiers = Table(
    "contact_identifiers",
    metadata,
    Column("value", ByteText, primary_key=True),
    Column("kind", ByteText, primary_key=True),
    Column("scope", ByteText, primary_key=True),
    Column("key", ByteText, primary_key=True),
    Index(None, "key", "value"),
    sqlite_with_rowid=False,
)

contact_words = Table(
    "contact_words",
    metadata,
    Column("word", ByteText, primary_key=True),
    Column("key", ByteText, primary_key=True),
    Index(None, "key", "word"),
    sqlite_with_rowid=False,
)

kept_children = Table(
    "kept_children",
    metadata,
    Column("source", ByteText, primary_key=True),
    Column("kind", ByteText, primary_key=True),
    Column("parent_by", ByteText, primary_key=True),
    Column("parent", ByteText, primary_key=True),
    Column("page", LargeBinary, nullable=False),
)

# ---------------------------------------------------------------- identity

identity_state = Table(
    # One row. Every publication takes it first, so that publications follow one another.
    "identity_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)

customers = Table(
    # `successor` is the id a retired one was led to, `standing` the end of that chain: one step
    # from any id to the one that stands. Of a standing id it is the id itself.
    "customers",
    metadata,
    Column("id", ByteText, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("successor", ByteText),
    Column("standing", ByteText, nullable=False),
    Column("erased_at", UtcTime),
    Index(None, "standing"),
    Index(None, "successor"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("key", ByteText, primary_key=True),
    Column("customer", ByteText, nullable=False),
    Column("since", BigInteger, nullable=False),  # the publication that put it there
    Index(None, "customer", "key"),
)

links = Table(
    "links",
    metadata,
    Column("left_key", ByteText, primary_key=True),
    Column("right_key", ByteText, primary_key=True),
    Column("method", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("match_weight", Double),
    Column("match_probability", Double),
    Column("prior_weight", Double),
    Column("model_version", Text),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text),
    Column("decided_at", UtcTime, nullable=False),
    Column("reason", Text),
    Column("levels", Text, nullable=False),
    Index(None, "right_key"),
    Index(None, "status", "match_weight"),
)

held_records = Table(
    # What a customer held at the moment its id was led on to another: a split gives it back.
    "held_records",
    metadata,
    Column("customer", ByteText, primary_key=True),
    Column("key", ByteText, primary_key=True),
    Column("until", BigInteger, nullable=False),  # the publication that led it on
    sqlite_with_rowid=False,
)

shared_identifiers = Table(
    # Used by several people; `public`: by so many that it is nobody's.
    "shared_identifiers",
    metadata,
    Column("value", ByteText, primary_key=True),
    Column("kind", ByteText, primary_key=True),
    Column("scope", ByteText, primary_key=True),
    Column("public", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)

identity_events = Table(
    # `before_ids` and `after_ids` are JSON lists of ids.
    "identity_events",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("before_ids", LargeBinary, nullable=False),
    Column("after_ids", LargeBinary, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text),
    Column("reason", Text),
    Column("at", UtcTime, nullable=False),
)

identity_event_customers = Table(
    "identity_event_customers",
    metadata,
    Column("customer", ByteText, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

decisions = Table(
    # Of people, by who asked and under which key. `customers` is a JSON list of the ids that stood
    # afterwards with their versions; `sequence` is that of the event, where there was one.
    "decisions",
    metadata,
    Column("actor", ByteText, primary_key=True),
    Column("key", ByteText, primary_key=True),
    Column("digest", ByteText, nullable=False),
    Column("sequence", BigInteger),
    Column("customers", LargeBinary, nullable=False),
    Index(None, "digest"),
)

# ---------------------------------------------------------------- what comes in by itself

inbox = Table(
    # Hints of vendors, by the id the vendor gave them. `due_at` is when the entry is next looked
    # at: of a claimed one, when the claim runs out; of one that is done, when that was. `raw` is a
    # delivery that could not be read.
    "inbox",
    metadata,
    Column("source", ByteText, primary_key=True),
    Column("event_id", ByteText, primary_key=True),
    Column("key", ByteText),
    Column("change", Text),
    Column("into_id", Text),
    Column("occurred_at", UtcTime),
    Column("received_at", UtcTime, nullable=False),
    Column("state", ByteText, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("claim", ByteText),
    Column("attempts", Integer, nullable=False),
    Column("strikes", Integer, nullable=False),
    Column("reason", Text),
    Column("raw", LargeBinary),
    Column("handle", ByteText, nullable=False),  # short, and tells nothing: for the command line
    Index(None, "state", "due_at"),
    Index(None, "claim"),
    Index(None, "handle"),
)

leases = Table(
    # Work that one process at a time does for all.
    "leases",
    metadata,
    Column("name", ByteText, primary_key=True),
    Column("holder", ByteText, nullable=False),
    Column("until", UtcTime, nullable=False),
)

source_tokens = Table(
    # Sealed with a key that is made of the source's secrets, which are not in this database.
    "source_tokens",
    metadata,
    Column("name", ByteText, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
)

trusted_documents = Table(
    # GraphQL documents by the SHA-256 of their text in UTF-8.
    "trusted_documents",
    metadata,
    Column("digest", ByteText, primary_key=True),
    Column("text", LargeBinary, nullable=False),
    Column("added_at", UtcTime, nullable=False),
)
