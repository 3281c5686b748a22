"""What the pages of the desk show, and to whom."""

import re

import pytest

from domain.records import Address
from domain.vocabulary import LinkStatus

PENDING = LinkStatus.PENDING
HOSTILE = '<script>alert("1")</script>'


async def test_the_queue_shows_what_waits_with_one_sentence_each(browser, waiting):
    await browser.sign_in()
    assert "1 pair of records waits" in browser.text
    assert "Person a crm Person b crm Perhaps one person." in browser.text
    assert "+5.5" in browser.text
    assert f'href="/desk/review/{waiting.id}"' in browser.page.text


async def test_the_queue_has_pages(browser, quick_desk):
    await quick_desk.stand(cus_1="a", **{f"cus_2{n}": f"b{n}" for n in range(22)})
    for n in range(22):
        await quick_desk.link("a", f"b{n}", PENDING, 4.0 + n / 10)
    await browser.sign_in()
    (following,) = re.findall(r'href="(/desk/review\?after=[^"]+)"', browser.page.text)
    await browser.see(following)
    assert browser.page.text.count('class="line"') == 2
    assert "First page" in browser.text
    assert (await browser.http.get("/desk/review?after=x")).status_code == 400


async def test_a_pair_shows_both_records_and_the_evidence_adds_up(browser, quick_desk):
    home = Address(street="3 Chapel Lane", city="Norwich", country="GB")
    ada = quick_desk.contact(
        "crm:1", full_name="Ada Byron", emails=("ada@example.com",), address=home
    )
    other = quick_desk.contact(
        "chat:2", full_name="Byron Ada", emails=("ada@example.com",), phones=("07700 900123",)
    )
    await quick_desk.store([ada, other])
    await quick_desk.resolve()
    ((link,),) = await quick_desk.people.links([await quick_desk.owner("crm:1")])
    await browser.sign_in()
    await browser.see(f"/desk/review/{link.id}")
    assert "ada@example.com ada@example.com same" in browser.text
    assert "Byron Ada Ada Byron same" in browser.text
    assert "Address not said 3 Chapel Lane, Norwich, GB" in browser.text
    rows = re.findall(r'class="number">([^<]+)<', browser.page.text)
    *steps, total = [float(text.replace("\N{MINUS SIGN}", "-")) for text in rows]
    assert total == pytest.approx(link.match_weight, abs=0.05)
    assert sum(steps) == pytest.approx(total, abs=0.05 * len(rows))


async def test_who_may_not_see_personal_data_sees_the_masks_of_the_graph(browser, quick_desk):
    ada = quick_desk.contact("crm:1", full_name="Ada Byron", emails=("ada@example.com",))
    other = quick_desk.contact("chat:2", full_name="Ada Byron", phones=("07700 900123",))
    await quick_desk.store([ada, other])
    await quick_desk.publish({"cus_1": "crm:1", "cus_2": "chat:2"})
    link = await quick_desk.link("crm:1", "chat:2", PENDING, 4.0)
    await browser.sign_in("masked")
    for path in ("/desk/review", f"/desk/review/{link.id}", "/desk/customers/cus_1"):
        shown = await browser.see(path)
        assert "A. B." in shown
        for secret in ("Ada", "Byron", "ada@", "900123", "900 123"):
            assert secret not in shown
    assert "a***@e***.com" in shown


async def test_text_of_records_and_reasons_cannot_become_a_part_of_the_page(browser, quick_desk):
    one = quick_desk.contact("crm:1", full_name=HOSTILE, emails=(f"{HOSTILE}@example.com",))
    hostile = HOSTILE.replace(" ", "")
    other = quick_desk.contact(f"chat:{hostile}", full_name="B", company=HOSTILE)
    await quick_desk.store([one, other])
    await quick_desk.publish({"cus_1": "crm:1", "cus_2": f"chat:{hostile}"})
    link = await quick_desk.link("crm:1", f"chat:{hostile}", PENDING, 4.0)
    await browser.sign_in()
    await browser.see(f"/desk/review/{link.id}")
    await browser.send(f"/desk/review/{link.id}", decision="reject", reason=HOSTILE)
    for path in (
        "/desk/review",
        f"/desk/review/{link.id}",
        "/desk/customers/cus_1",
        "/desk/customers/cus_2",
        f"/desk/customers?find={HOSTILE}",
        f"/desk/merge?keep={HOSTILE}&absorb=cus_1",
        f"/desk/{HOSTILE}",
    ):
        shown = await browser.see(path)
        assert "<script>alert" not in shown
    assert "&lt;script&gt;" in await browser.see(f"/desk/review/{link.id}")


async def test_no_page_can_run_or_load_what_is_not_of_this_server_and_none_is_kept(
    browser, waiting
):
    await browser.sign_in()
    pages = ["/desk/review", f"/desk/review/{waiting.id}", "/desk/customers/cus_2", "/desk/nowhere"]
    for path in pages:
        shown = await browser.see(path)
        policy = browser.page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert browser.page.headers["cache-control"] == "no-store"
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|https?://", shown)
        assert re.findall(r"<script[^>]*>", shown) == ['<script src="/desk/assets/desk.js" defer>']
    for asset in ("desk.css", "desk.js"):
        assert (await browser.http.get(f"/desk/assets/{asset}")).status_code == 200
    assert (await browser.http.get("/desk/assets/../frame.py")).status_code in {303, 404}


async def test_what_is_not_there_is_said_to_be_so(browser, waiting):
    await browser.sign_in()
    for path in ("/desk/review/link_x", "/desk/customers/cus_9", "/desk/nowhere"):
        await browser.see(path)
        assert browser.page.status_code == 404
        assert "There is no such" in browser.text or "Nobody has" in browser.text


async def test_customers_are_found_by_words_and_by_ids(browser, quick_desk):
    await quick_desk.store([quick_desk.contact("crm:1", full_name="Ada Byron")])
    await quick_desk.publish({"cus_1": "crm:1"})
    await browser.sign_in()
    for text in ("byr ada", "cus_1"):
        assert "Ada Byron" in await browser.see(f"/desk/customers?find={text}")
    await browser.see("/desk/customers?find=nobody")
    assert "Nobody stored here" in browser.text
