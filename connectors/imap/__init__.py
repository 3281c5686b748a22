"""A mailbox over IMAP: mails as threads."""

from connectors.imap.connector import SPEC

__all__ = ["SPEC"]
