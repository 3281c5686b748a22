"""Who comes in to the desk over HTTP, and who does not."""

from datetime import timedelta

import httpx
from starlette.applications import Starlette

from gateway.auth import Doorkeeper
from gateway.config import Token
from gateway.desk.frame import Frame
from gateway.desk.routes import mounted
from gateway.desk.sessions import COOKIE, LIFETIME, Sessions
from gateway.desk.visits import Desk as Pages


async def test_nothing_is_shown_to_who_has_not_signed_in(browser, waiting):
    for path in ("/desk/review", f"/desk/review/{waiting.id}", "/desk/customers/cus_1", "/desk/x"):
        answer = await browser.http.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/desk/sign-in?next={path}"
        assert "Person" not in answer.text


async def test_a_token_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_gets(
    tokens, browser
):
    await browser.sign_in()
    assert browser.page.url.path == "/desk/review"
    (answer,) = [one for one in browser.page.history if one.request.method == "POST"]
    given = [one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE + "=")]
    assert len(given) == 1
    for flag in ("HttpOnly", "Path=/desk", "SameSite=strict"):
        assert flag in given[0]
    assert tokens["steward"].token not in given[0]


async def test_a_page_behind_the_sign_in_is_gone_on_to_and_no_other_site(tokens, browser, waiting):
    for asked, led in (
        (f"/desk/review/{waiting.id}", f"/desk/review/{waiting.id}"),
        ("https://elsewhere.example/", "/desk/review"),
        ("//elsewhere.example", "/desk/review"),
        ("/desk//elsewhere.example", "/desk/review"),
        ("/desk/\\elsewhere.example", "/desk/review"),
    ):
        browser.http.cookies.clear()
        await browser.see(f"/desk/sign-in?{httpx.QueryParams({'next': asked})}")
        await browser.send("/desk/sign-in", token=tokens["steward"].token)
        assert browser.page.url.path == led


async def test_a_token_nobody_knows_or_without_the_scopes_does_not_come_in(tokens, browser):
    await browser.see("/desk/sign-in")
    assert "not known" in await browser.send("/desk/sign-in", token="kn_wrong")
    assert browser.page.status_code == 401
    assert "staff" in await browser.send("/desk/sign-in", token=tokens["agent"].token)
    assert browser.page.status_code == 403
    assert COOKIE not in browser.http.cookies


async def test_a_sign_in_form_of_another_site_is_refused(tokens, browser):
    await browser.see("/desk/sign-in")
    fields = [("csrf", "made up"), ("token", tokens["steward"].token)]
    await browser.post("/desk/sign-in", fields)
    assert browser.page.status_code == 403
    browser.http.cookies.clear()
    await browser.post("/desk/sign-in", [("csrf", ""), ("token", tokens["steward"].token)])
    assert browser.page.status_code == 403


async def test_on_this_machine_a_token_may_be_left_out_where_the_configuration_says_so(browser):
    await browser.see("/desk/sign-in")
    await browser.send("/desk/sign-in", without="yes")
    assert browser.page.url.path == "/desk/review"
    elsewhere = await browser.http.get("/desk/review", headers={"host": "rebound.example"})
    assert elsewhere.status_code == 303


async def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(browser):
    await browser.sign_in()
    copy = f"{COOKIE}={browser.http.cookies.get(COOKIE)}"
    await browser.send("/desk/sign-out")
    assert browser.page.url.path == "/desk/sign-in"
    answer = await browser.http.get("/desk/review", headers={"cookie": copy})
    assert answer.status_code == 303


async def test_a_session_ends_by_itself(browser, clock):
    await browser.sign_in()
    clock.advance(LIFETIME - timedelta(seconds=1))
    assert (await browser.http.get("/desk/review")).status_code == 200
    clock.advance(timedelta(seconds=2))
    assert (await browser.http.get("/desk/review")).status_code == 303


async def test_a_token_that_is_taken_out_of_the_configuration_ends_its_sessions(
    tokens, browser, app, quick_desk, cache
):
    await browser.sign_in()
    fewer = Doorkeeper([Token(**tokens["masked"].table)], None)
    sessions = Sessions(cache, fewer, secure=True)
    pages = Pages(
        frame=Frame(thresholds=(3.0, 9.0)),
        sessions=sessions,
        new_operation=lambda caller, _s, read_only: quick_desk.operation(
            caller, read_only=read_only
        ),
        deadline_s=30.0,
    )
    later = Starlette(routes=[mounted(pages, thresholds=(3.0, 9.0), without_token=False)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=later),
        base_url="https://desk.example",
        cookies=dict(browser.http.cookies),
    ) as http:
        assert (await http.get("/desk/review")).status_code == 303
        shown = await http.get("/desk/sign-in")
        assert "Continue without" not in shown.text
        assert "Secure" in shown.headers["set-cookie"]
