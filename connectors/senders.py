"""Which way out is taken: the fast one where it is installed, else the one that always is."""

from importlib.util import find_spec

from connectors.sender import HttpxSender, Sender


def pooled() -> Sender:
    """A sender with a pool of its own: one for each source, so that none starves another."""
    if find_spec("pyreqwest") is None:
        return HttpxSender.pooled()
    # Imported here, since the module cannot be where its library is not.
    from connectors.pyreqwest_sender import PyreqwestSender  # noqa: PLC0415

    return PyreqwestSender.pooled()
