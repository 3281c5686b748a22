"""What only a real server can show: TLS in both its ways, a refusal in its own words, flags."""

import asyncio
from typing import Any

import pytest

from domain.errors import SourceAuthError, SourceUnavailable
from domain.ids import Kind
from domain.sources import ChildFilter, ChildPage, Deadline, PageRequest, Parent, ParentBy, Source

pytestmark = pytest.mark.mailbox


async def asked(source: Source, seconds: float = 10.0) -> Any:
    deadline = Deadline(asyncio.get_running_loop().time() + seconds)
    parent = Parent(ParentBy.EMAIL, "ann@example.com")
    children = source.children[Kind.CONVERSATION]
    (page,) = await children.children_of([parent], PageRequest(5), ChildFilter(), None, deadline)
    return page


async def test_starttls_is_taken_where_it_is_asked_for(
    real: Any, opened: Any, written: Any
) -> None:
    real.append(written("1@ann"))
    plain = {"security": "starttls", "port": str(real.dovecot.plain)}
    got = await asked(opened(real, options=plain))
    assert isinstance(got, ChildPage)
    assert len(got.items) == 1


async def test_a_certificate_nobody_vouches_for_is_no_server(real: Any, opened: Any) -> None:
    assert type(await asked(opened(real, options={"ca_file": ""}))) is SourceUnavailable


async def test_a_wrong_password_is_refused(real: Any, opened: Any) -> None:
    assert type(await asked(opened(real, secrets={"password": "planted"}))) is SourceAuthError


async def test_mails_stay_unseen(real: Any, opened: Any, written: Any) -> None:
    uid = real.append(written("1@ann"))
    await asked(opened(real))
    real.client.select_folder("INBOX", readonly=True)
    flags = real.client.get_flags([uid])[uid]
    real.client.unselect_folder()
    assert b"\\Seen" not in flags
