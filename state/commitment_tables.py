"""Tables of what somebody bound themselves to."""

from sqlalchemy import Column, Index, LargeBinary, Table

from state.tables import ByteText, UtcTime, metadata

commitments = Table(
    # By who recorded it (`actor`) under which key; `body` is the whole of it.
    "commitments",
    metadata,
    Column("number", ByteText, primary_key=True),
    Column("actor", ByteText, nullable=False),
    Column("key", ByteText, nullable=False),
    Column("customer", ByteText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "actor", "key", unique=True),
    Index(None, "customer"),
)

commitment_fulfilments = Table(
    # `commitment` is a node id: of a recorded one, or of one that was read out of a text.
    "commitment_fulfilments",
    metadata,
    Column("commitment", ByteText, primary_key=True),
    Column("evidence", ByteText, nullable=False),
    Column("at", UtcTime, nullable=False),
)
