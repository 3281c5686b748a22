"""What a mailbox answers: over a small server of ours, and over Dovecot (`make test-mailbox`)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.imap import errands
from domain.ids import Kind
from domain.records import Conversation, Message
from domain.sources import (
    ChildFilter,
    ChildPage,
    Deadline,
    PageRequest,
    Parent,
    ParentBy,
    Position,
    Source,
)
from domain.vocabulary import ActorKind, Channel

BEGAN = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
SENT = "Gesendete Objekte"
ARCHIVE = "Büro/Zürich & Köln"
OURS = "support@shop.example"


def within(seconds: float = 10.0) -> Deadline:
    return Deadline(asyncio.get_running_loop().time() + seconds)


async def threads_of(
    source: Source, *addresses: str, first: int = 20, only: frozenset[str] | None = None
) -> list[tuple[Conversation, ...]]:
    pages = await source.children[Kind.CONVERSATION].children_of(
        [Parent(ParentBy.EMAIL, each) for each in addresses],
        PageRequest(first),
        ChildFilter(),
        only,
        within(),
    )
    assert all(isinstance(page, ChildPage) for page in pages), pages
    return [page.items for page in pages]  # type: ignore[union-attr, misc]


async def mails_of(source: Source, *threads: Conversation) -> list[tuple[Message, ...]]:
    """Oldest first."""
    pages = await source.children[Kind.MESSAGE].children_of(
        [Parent(ParentBy.OWN, each.key.external_id) for each in threads],
        PageRequest(50),
        ChildFilter(),
        None,
        within(),
    )
    assert all(isinstance(page, ChildPage) for page in pages), pages
    return [tuple(reversed(page.items)) for page in pages]  # type: ignore[union-attr, misc]


async def changed(source: Source, cursor: str | None = None) -> tuple[Any, str]:
    """Everything that changed, and where the reading ended."""
    records: dict[str, Any] = {}
    gone: list[str] = []
    for _ in range(50):
        page = await source.changes[Kind.CONVERSATION].changed_since(cursor, within())
        records |= {record.key.external_id: record for record in page.records}
        gone += [key.external_id for key in page.deleted]
        cursor = page.cursor
        if not page.more:
            return (records, gone), cursor
    raise AssertionError("the pages do not end")


async def test_a_thread_is_what_answers_one_another_in_every_folder(
    mailbox: Any, opened: Any, written: Any
) -> None:
    mailbox.append(written("1@ann", subject="Late parcel"))
    mailbox.append(
        written(
            "2@shop",
            sender=f"Bo of the shop <{OURS}>",
            to="Ann Lee <ann@example.com>",
            answers="1@ann",
            chain="<1@ann>",
            minutes=5,
            subject="Re: Late parcel",
        ),
        folder=SENT,
    )
    # Its program names what it answers, and nothing before that.
    mailbox.append(written("3@ann", answers="2@shop", minutes=9, subject="Something else"))
    mailbox.append(written("4@ann", minutes=20, subject="Invoice"))
    source = opened(mailbox)
    (threads,) = await threads_of(source, "ann@example.com")
    assert [t.occurred_at for t in threads] == [BEGAN + timedelta(minutes=20), BEGAN]
    assert {t.channel for t in threads} == {Channel.EMAIL}
    told = threads[1].last_message
    assert told is not None
    assert told.body == "Where is it?"
    one, other = await mails_of(source, threads[1], threads[0])
    assert [mail.at for mail in one] == [BEGAN + timedelta(minutes=m) for m in (0, 5, 9)]
    assert [mail.author.kind for mail in one] == [
        ActorKind.CUSTOMER,
        ActorKind.HUMAN,
        ActorKind.CUSTOMER,
    ]
    assert [mail.author.name for mail in one] == ["Ann Lee", "Bo of the shop", "Ann Lee"]
    assert one[0].body == "Late parcel\n\nWhere is it?"
    assert one[1].body == "Where is it?"
    assert other[0].body == "Invoice\n\nWhere is it?"
    assert one[0].author.id == one[2].author.id != one[1].author.id


async def test_whoever_comes_to_a_thread_finds_it_under_the_same_id(
    mailbox: Any, opened: Any, written: Any
) -> None:
    """Begun between two of ours, with a customer let in later; its first mail lies elsewhere."""
    chain = "<0@elsewhere>"
    for number, (sender, to) in enumerate(
        [(OURS, "boss@shop.example"), (OURS, "ann@example.com"), ("bo@example.com", OURS)], 1
    ):
        mailbox.append(
            written(
                f"{number}@x",
                sender=sender,
                to=to,
                chain=chain,
                answers=f"{number - 1}@x",
                minutes=number,
            )
        )
        chain += f" <{number}@x>"
    source = opened(mailbox, options={"ours": "@shop.example"})
    ann, bo, joann = await threads_of(source, "ann@example.com", "bo@example.com", "o@example.com")
    assert [t.key for t in ann] == [t.key for t in bo]
    assert joann == (), "a search finds parts of words"
    external_id = ann[0].key.external_id
    assert "elsewhere" not in external_id
    (got,) = await source.gets[Kind.CONVERSATION].get_many([external_id], None, within())
    assert got == ann[0]
    assert got.occurred_at == BEGAN + timedelta(minutes=1)
    (mails,) = await mails_of(source, ann[0])
    assert len(mails) == 3


async def test_ids_of_another_mailbox_are_nobodys(mailbox: Any, opened: Any, written: Any) -> None:
    mailbox.append(written("1@ann"))
    source = opened(mailbox)
    ((thread,),) = await threads_of(source, "ann@example.com")
    right = thread.key.external_id
    wrong = f"{'0' if right[0] != '0' else '1'}{right[1:]}"
    got = await source.gets[Kind.CONVERSATION].get_many([wrong, right, "x/y"], None, within())
    assert got[0] is None
    assert got[1] is not None
    assert got[2] is None


async def test_addresses_are_one_whatever_their_case_and_ours_are_nobodys(
    mailbox: Any, opened: Any, written: Any
) -> None:
    mailbox.append(written("1@ann", sender="Ann@Example.COM"))
    source = opened(mailbox)
    ann, ours = await threads_of(source, "ANN@example.com", OURS)
    assert len(ann) == 1
    assert ours == ()


async def test_a_copy_in_another_folder_is_the_same_mail(
    mailbox: Any, opened: Any, written: Any
) -> None:
    for folder in ("INBOX", ARCHIVE, SENT):
        mailbox.append(written("1@ann"), folder=folder)
    source = opened(mailbox, options={"folders": f"INBOX, {ARCHIVE}, Sent"})
    (threads,) = await threads_of(source, "ann@example.com")
    (mails,) = await mails_of(source, *threads)
    assert len(mails) == 1


async def test_folders_are_found_by_their_names_in_every_script(
    mailbox: Any, opened: Any, written: Any
) -> None:
    mailbox.append(written("1@ann"), folder=ARCHIVE)
    (there,) = await threads_of(
        opened(mailbox, options={"folders": f'INBOX, "{ARCHIVE}"'}), "ann@example.com"
    )
    (elsewhere,) = await threads_of(opened(mailbox), "ann@example.com")
    assert (len(there), len(elsewhere)) == (1, 0)


async def test_a_mail_without_a_name_is_known_by_its_place(
    mailbox: Any, opened: Any, written: Any
) -> None:
    raw = written("drop@me").replace(b"Message-ID: <drop@me>\r\n", b"")
    mailbox.append(raw)
    mailbox.append(raw)
    source = opened(mailbox)
    (threads,) = await threads_of(source, "ann@example.com")
    assert len(threads) == 2
    got = await source.gets[Kind.CONVERSATION].get_many(
        [thread.key.external_id for thread in threads], None, within()
    )
    assert got == list(threads)


async def test_pages_of_threads_and_mails_lose_nothing(
    mailbox: Any, opened: Any, written: Any
) -> None:
    """Several begin in the same minute, so that only their ids tell them apart."""
    for number in range(23):
        mailbox.append(written(f"{number}@ann", minutes=number // 5))
    source = opened(mailbox)
    (whole,) = await threads_of(source, "ann@example.com", first=50)
    assert len(whole) == 23
    seen: list[Conversation] = []
    page = PageRequest(4)
    while True:
        (got,) = await source.children[Kind.CONVERSATION].children_of(
            [Parent(ParentBy.EMAIL, "ann@example.com")], page, ChildFilter(), None, within()
        )
        assert isinstance(got, ChildPage)
        seen += got.items  # type: ignore[arg-type]
        if not got.has_more:
            break
        page = PageRequest(4, Position(seen[-1].occurred_at, seen[-1].key.external_id))
    assert tuple(seen) == whole


async def test_new_mails_deleted_ones_and_a_folder_that_counts_anew_are_heard_of(
    mailbox: Any, opened: Any, written: Any
) -> None:
    first = mailbox.append(written("1@ann"))
    mailbox.append(written("2@bo", sender="bo@example.com"))
    source = opened(mailbox)
    (records, gone), cursor = await changed(source)
    assert (len(records), gone) == (2, [])
    ((ann,), (bo,)) = await threads_of(source, "ann@example.com", "bo@example.com")
    assert set(records) == {ann.key.external_id, bo.key.external_id}

    (records, gone), cursor = await changed(source, cursor)
    assert (records, gone) == ({}, [])

    mailbox.append(written("3@bo", sender="bo@example.com", answers="2@bo", minutes=7))
    (records, gone), later = await changed(source, cursor)
    assert set(records) == {bo.key.external_id}
    assert records[bo.key.external_id].last_message.at == BEGAN + timedelta(minutes=7)
    again, _ = await changed(source, cursor)
    assert set(again[0]) == set(records)

    mailbox.mark_deleted(first)
    (records, gone), later = await changed(source, later)
    assert (records, gone) == ({}, [ann.key.external_id])
    (threads,) = await threads_of(source, "ann@example.com")
    assert threads == ()

    await source.close()  # type: ignore[misc]
    mailbox.start_anew()
    source = opened(mailbox)
    (records, gone), _ = await changed(source, later)
    assert set(records) == {bo.key.external_id}


async def test_a_full_scan_is_read_in_pages(
    mailbox: Any, opened: Any, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "PAGE", 8)
    monkeypatch.setattr(errands, "_WINDOW", 5)
    for number in range(30):
        mailbox.append(written(f"{number}@ann", sender=f"person{number}@example.com"))
    mailbox.append(written("answer@shop", answers="3@ann", sender=OURS), folder=SENT)
    source = opened(mailbox)
    page = await source.changes[Kind.CONVERSATION].changed_since(None, within())
    assert page.more
    assert 1 <= len(page.records) <= 5
    (records, _), _ = await changed(source)
    assert len(records) == 30


async def test_texts_are_read_only_where_somebody_reads_them(
    mailbox: Any, opened: Any, written: Any
) -> None:
    mailbox.append(written("1@ann"))
    source = opened(mailbox)
    ((bare,),) = await threads_of(source, "ann@example.com", only=frozenset({"channel"}))
    assert bare.last_message is not None
    assert bare.last_message.body == "Late parcel"


async def test_texts_of_every_make_are_read_and_attachments_named(
    mailbox: Any, opened: Any, written: Any
) -> None:
    mixed = "\r\n".join(
        [
            "--outer",
            'Content-Type: multipart/alternative; boundary="inner"',
            "",
            "--inner",
            "Content-Type: text/plain; charset=iso-8859-1",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            "Gr=FC=DFe f=FCr 5 =80",
            "--inner",
            "Content-Type: text/html; charset=utf-8",
            "",
            "<p>not this</p>",
            "--inner--",
            "--outer",
            "Content-Type: application/pdf",
            "Content-Transfer-Encoding: base64",
            "Content-Disposition: attachment; filename*=utf-8''Rechnung%20M%C3%A4rz.pdf",
            "",
            "AAAA",
            "--outer--",
        ]
    )
    mailbox.append(
        written("1@ann", body=mixed, more='Content-Type: multipart/mixed; boundary="outer"')
    )
    html = "<html><style>p{}</style><p>One<br>Two &amp; three</p><p>Four</p></html>"
    mailbox.append(
        written(
            "2@ann",
            minutes=1,
            answers="1@ann",
            body=html,
            more="Content-Type: text/html; charset=utf-8",
        )
    )
    source = opened(mailbox)
    (threads,) = await threads_of(source, "ann@example.com")
    ((plain, marked),) = await mails_of(source, *threads)
    assert plain.body == "Late parcel\n\nGrüße für 5 €\n\n[Rechnung März.pdf]"
    assert marked.body == "One\nTwo & three\n\nFour"
