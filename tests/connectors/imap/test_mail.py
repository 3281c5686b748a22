"""Mails as their programs write them: headers, charsets, parts, chains of answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.imap.mail import Header, Person, header, part_text
from connectors.imap.structure import structure
from connectors.imap.threads import Mail, distinct, root, threads

AT = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"ann@example.com", Person("ann@example.com")),
        (b"Ann Lee <Ann@Example.com>", Person("ann@example.com", "Ann Lee")),
        (b'"Lee, Ann" <ann@example.com>', Person("ann@example.com", "Lee, Ann")),
        (b"=?utf-8?Q?J=C3=B6rg?= <j@example.com>", Person("j@example.com", "Jörg")),
        (b"=?x-no-such?B?SsO2cmc=?= <j@example.com>", Person("j@example.com", "Jörg")),
        # A letter that is cut in two by its encoded words.
        (b"=?utf-8?Q?J=C3?= =?utf-8?Q?=B6rg?= <j@example.com>", Person("j@example.com", "Jörg")),
        ("Jörg Ä <j@example.com>".encode(), Person("j@example.com", "Jörg Ä")),
        ("Jörg <j@example.com>".encode("latin-1"), Person("j@example.com", "Jörg")),
        (b"ann@example.com (Ann Lee)", Person("ann@example.com")),
        (b"Ann <ann@example.com>, Bo <bo@example.com>", Person("ann@example.com", "Ann")),
    ],
)
def test_a_sender_is_read(written: bytes, read: Person) -> None:
    assert header(b"From: " + written + b"\r\n\r\n").sender == read


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"From:\r\nTo: ;;\r\nDate: \r\nMessage-ID:\r\nReferences: x\r\n\r\n",
        b"From: undisclosed-recipients:;\r\nDate: yesterday\r\nMessage-ID: <>\r\n\r\n",
        b"From: <@>\r\nMessage-ID: <a b>\r\nDate: Mon, 99 Foo 2026 99:99:99 +9999\r\n\r\n",
        b"\xff\xfe\x00\r\n\r\n",
    ],
)
def test_headers_nobody_should_write_are_no_error(raw: bytes) -> None:
    assert header(raw) == Header()


def test_a_header_is_read_whole() -> None:
    raw = (
        b"From: Ann <ann@example.com>\r\nTo: Shop: s@x.example, Bo <bo@x.example>;\r\n"
        b"Cc: =?utf-8?B?w4Q=?= <c@x.example>\r\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n"
        b" und mehr\r\nDate: Mon, 2 Feb 2026 10:00:00 +0100 (CET)\r\nMessage-ID: <1@ann>\r\n"
        b"In-Reply-To: Your mail of Monday <0@shop>\r\nReferences: <a@shop>\r\n\t<0@shop>\r\n"
        b"Auto-Submitted: auto-replied\r\n\r\n"
    )
    assert header(raw) == Header(
        message_id="<1@ann>",
        references=("<a@shop>", "<0@shop>"),
        in_reply_to="<0@shop>",
        sender=Person("ann@example.com", "Ann"),
        receivers=(Person("s@x.example"), Person("bo@x.example", "Bo"), Person("c@x.example", "Ä")),
        date=AT,
        subject="Grüße und mehr",
        automatic=True,
    )


@pytest.mark.parametrize(
    ("data", "charset", "encoding", "read"),
    [
        (b"Gr=C3=BC=C3=9Fe=\r\n!", "utf-8", "quoted-printable", "Grüße!"),
        (b"R3LDvMOfZQ==", "utf-8", "base64", "Grüße"),
        (b"R3LDvMOfZ", "utf-8", "base64", "Grüß"),
        ("5 €".encode("cp1252"), "iso-8859-1", "8bit", "5 €"),
        ("Grüße".encode(), "us-ascii", "8bit", "Grüße"),
        ("Grüße".encode("cp1252"), "utf-8", "8bit", "Grüße"),
        ("Grüße".encode("cp1252"), "no-such-charset", "8bit", "Grüße"),
        ("漢字镕".encode("gb18030"), "gb2312", "8bit", "漢字镕"),
        ("①".encode("cp932"), "shift_jis", "8bit", "①"),
        ("日本".encode("iso-2022-jp"), "iso-2022-jp", "7bit", "日本"),
        (b"Gr+APwA3w-e", "unicode-1-1-utf-7", "7bit", "Grüße"),
        (b"\xef\xbb\xbfBOM\x00", "utf-8", "8bit", "BOM"),
        (b"a\r\n\r\n\r\n\r\nb  \r\n", "utf-8", "nonsense\r\nX-Evil: 1", "a\n\nb"),
        (b"hex", "hex", "7bit", "hex"),
        (b" \r\n ", "utf-8", "7bit", None),
    ],
)
def test_a_text_is_read_whatever_its_charset_is_called(
    data: bytes, charset: str, encoding: str, read: str | None
) -> None:
    assert part_text(data, html=False, charset=charset, encoding=encoding) == read


@pytest.mark.parametrize(
    ("html", "read"),
    [
        ("<p>One</p><p>Two<br>three &euro;</p><script>x</script>", "One\n\nTwo\nthree €"),
        ("<table><tr><td>A</td><td>B</td></tr><tr><td>C</td></tr></table>", "A B\nC"),
        ("<?xml version='1.0' encoding='utf-16'?><html><body>Grüße</body></html>", "Grüße"),
        ("<<<div>", None),
        ("", None),
        ("<!-- nothing -->", None),
        ("<p>\x00\x01A</p>", "A"),
    ],
)
def test_html_is_read_as_the_words_in_it(html: str, read: str | None) -> None:
    found = part_text(html.encode(), html=True, charset="utf-8", encoding="8bit")
    assert found in (read, "<<" if read is None else read)


def text_part(minor: str, name: Any = None, how: Any = None) -> tuple[Any, ...]:
    given = (b"charset", b"utf-8", *((b"name", name) if name else ()))
    return (b"text", minor.encode(), given, None, None, b"7bit", 10, 1, None, how, None, None)


PDF = (
    *(b"application", b"pdf", (b"name", b"=?utf-8?Q?M=C3=A4rz.pdf?="), None, None, b"base64", 9),
    *(None, (b"attachment", None), None, None),
)


@pytest.mark.parametrize(
    ("body", "sections", "attachments"),
    [
        (text_part("plain"), ["1"], ()),
        (([text_part("plain"), text_part("html")], b"alternative"), ["1"], ()),
        (([text_part("html")], b"alternative"), ["1"], ()),
        (([text_part("plain"), PDF, text_part("plain")], b"mixed"), ["1", "3"], ("März.pdf",)),
        (
            ([([text_part("plain"), text_part("html")], b"alternative"), PDF], b"mixed"),
            ["1.1"],
            ("März.pdf",),
        ),
        (
            ([text_part("plain"), ([text_part("html"), PDF], b"related")], b"alternative"),
            ["1"],
            ("März.pdf",),
        ),
        (([text_part("plain", b"notes.txt")], b"mixed"), [], ("notes.txt",)),
        (([text_part("plain", None, (b"attachment", None))], b"mixed"), [], ("text/plain",)),
        (None, [], ()),
        ((b"text",), [], ()),
        ((), [], ()),
    ],
)
def test_the_parts_with_text_are_found_and_the_others_named(
    body: Any, sections: list[str], attachments: tuple[str, ...]
) -> None:
    found = structure(body)
    assert [part.section for part in found.parts] == sections
    assert found.attachments == attachments


def mail(
    name: str, *chain: str, answers: str = "", minutes: int = 0, folder: str = "INBOX"
) -> Mail:
    fields = Header(
        message_id=name,
        references=chain,
        in_reply_to=answers or None,
        date=AT + timedelta(minutes=minutes),
    )
    return Mail(folder="INBOX", uid=1, name=name, arrived=AT + timedelta(hours=1), header=fields)


def test_a_chain_that_was_cut_short_is_followed_further_up() -> None:
    mails = distinct([mail("a"), mail("b", answers="a", minutes=1), mail("c", "b", minutes=2)])
    assert [m.name for m in threads(mails)["a"]] == ["a", "b", "c"]


def test_a_thread_is_known_by_a_root_that_lies_elsewhere() -> None:
    mails = distinct([mail("b", "a"), mail("c", "a", "b", minutes=1), mail("x")])
    assert {name: len(some) for name, some in threads(mails).items()} == {"a": 2, "x": 1}


def test_chains_that_bite_their_tail_end() -> None:
    mails = distinct([mail("a", answers="b"), mail("b", answers="a"), mail("c", answers="c")])
    assert root("c", mails) == "c"
    assert {root("a", mails), root("b", mails)} <= {"a", "b"}


def test_a_mail_from_the_future_counts_from_when_it_arrived() -> None:
    late = mail("a", minutes=60 * 24 * 7)
    assert late.at == late.arrived
    assert mail("b", minutes=30).at == AT + timedelta(minutes=30)
