"""Which way out is taken: the fast one where it is installed, else the one that always is."""

from importlib.util import find_spec

from connectors.sender import Sender


def pooled() -> Sender:
    """A sender with a pool of its own: one for each source, so that none starves another."""
    # Imported here: one cannot be where its library is not, the other takes half a second.
    if find_spec("pyreqwest") is None:
        from connectors.httpx_sender import HttpxSender  # noqa: PLC0415

        return HttpxSender.pooled()
    from connectors.pyreqwest_sender import PyreqwestSender  # noqa: PLC0415

    return PyreqwestSender.pooled()
