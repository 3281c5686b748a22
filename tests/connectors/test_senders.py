"""Which way out is taken."""

import sys

import pytest

from connectors import senders
from connectors.httpx_sender import HttpxSender
from connectors.pyreqwest_sender import PyreqwestSender


async def test_the_fast_way_is_taken_where_it_is_installed() -> None:
    sender = senders.pooled()
    assert isinstance(sender, PyreqwestSender)
    await sender.close()


async def test_httpx_is_taken_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyreqwest", None)
    monkeypatch.setattr(senders, "find_spec", lambda _name: None)
    sender = senders.pooled()
    assert isinstance(sender, HttpxSender)
    await sender.close()
