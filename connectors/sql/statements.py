"""Whether a statement only reads, and which names it binds."""

import re

_SKIPPED = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \$(\w*)\$.*?\$\1\$""",
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_BIND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_WRITES = {
    *("INSERT", "UPDATE", "DELETE", "MERGE", "UPSERT", "INTO", "TRUNCATE", "COPY"),
    *("CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "VACUUM", "ATTACH", "PRAGMA"),
    *("CALL", "EXEC", "EXECUTE", "DO", "LOCK", "SET", "BEGIN", "COMMIT", "ROLLBACK"),
}


def bare(statement: str) -> str:
    """The statement without comments and without what stands in quotes."""
    return _SKIPPED.sub(" ", statement)


def problem(statement: str) -> str:
    """Why the statement is not one SELECT, or "". The transaction is read only in any case; this
    says it before the first call, and for databases that keep no such promise.
    """
    text = bare(statement).strip().removesuffix(";").strip()
    words = [word.upper() for word in _WORD.findall(text)]
    if not words or words[0] not in {"SELECT", "WITH"}:
        return "must be one SELECT"
    if ";" in text:
        return "must be one statement"
    written = next((word for word in words if word in _WRITES), None)
    return f"must only read: {written} (in quotes, if it is a name)" if written else ""


def binds(statement: str) -> list[str]:
    """Names that are bound (`:ids`), each once, in order."""
    return list(dict.fromkeys(_BIND.findall(bare(statement))))
