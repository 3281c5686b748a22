"""What live resolution reads: records as they are compared, found by their blocking keys."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, Table

from state.tables import ByteText, metadata

Number = BigInteger().with_variant(Integer, "sqlite")  # there the name of a row

compared_records = Table(
    # `number` is made of the key (keys.number): what refers to a record need not ask for it.
    # `blocks` and `terms` are what the other tables hold of it, to be taken out again.
    "compared_records",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("key", ByteText, nullable=False),
    Column("form", Integer, nullable=False),
    Column("row", LargeBinary, nullable=False),
    Column("blocks", LargeBinary, nullable=False),
    Column("terms", LargeBinary, nullable=False),
    Index(None, "key", "form"),
)

record_blocks = Table(
    "record_blocks",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

term_counts = Table(
    "term_counts",
    metadata,
    Column("value", ByteText, primary_key=True),
    Column("kind", ByteText, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

unsettled_records = Table(
    # New, changed or gone since they were last settled. `taken`: a census is reading them.
    "unsettled_records",
    metadata,
    Column("key", ByteText, primary_key=True),
    Column("taken", Boolean, nullable=False),
    Index(None, "taken"),
    sqlite_with_rowid=False,
)

identity_drift = Table(
    # One row, once a census has found something to compare itself with.
    "identity_drift",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("records", BigInteger, nullable=False),
    Column("moved", BigInteger, nullable=False),
    Column("disagreement", Double, nullable=False),
)
