"""The connection below a session, by which it can be cut from another thread.

A server that sends a byte now and then outlives every timeout of a read. Whoever gives up waiting
therefore cuts the line, at whatever the session is about: connecting, TLS, logging in, an answer.
"""

import imaplib
import socket
import ssl
from contextlib import suppress
from threading import Lock

from imapclient import IMAPClient


class Line:
    """Cut once, it stays cut: a connection that is made later is cut at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._handle: socket.socket | None = None
        self._is_cut = False

    def hold(self, connection: socket.socket) -> None:
        """A second handle of the same connection: it is there whatever is put around the first."""
        with self._lock:
            self._handle = connection.dup()
        if self._is_cut:
            self.cut()

    def cut(self) -> None:
        self._is_cut = True
        with self._lock, suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = None


class Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """An IMAPClient whose connection hangs on a line."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, timeout: float, line: Line
    ) -> None:
        self._line = line
        super().__init__(host, port, ssl=context is not None, ssl_context=context, timeout=timeout)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # as it is called there
        return _Connection(
            self.host, self.port, self.ssl_context, self._timeout.connect, self._line
        )


class _Connection(imaplib.IMAP4):
    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, timeout: float, line: Line
    ) -> None:
        self._context = context
        self._line = line
        super().__init__(host, port, timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout)
        self._line.hold(connection)
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_hostname=self.host)
