"""A customer's page in a browser: what goes on arrives by itself, and a matter is handed over by
keyboard alone.
"""

import json
import time
import urllib.request
from datetime import UTC, datetime

import pytest
from selenium.webdriver.common.keys import Keys

from sandbox.demo import PHONE

TOKEN = "token-of-a-steward"
TELL = """mutation Tell($events: [EventInput!]!) {
  interactionsIngest(events: $events) { accepted userErrors { message } } }"""


@pytest.fixture
def call(address):
    """Tells of one telephone call of Margaret Ellison."""
    subject = f"call-{time.monotonic_ns()}"

    def tell(type, number, **data):
        event = {
            "system": "phones",
            "eventId": f"{subject}/{number}",
            "type": type,
            "occurredAt": datetime.now(UTC).isoformat(),
            "sequence": number,
            "subject": {"system": "phones", "externalId": subject},
            "identifiers": [{"key": {"phone": PHONE}, "verification": "VERIFIED"}],
            "data": data,
        }
        request = urllib.request.Request(  # noqa: S310  # of the server this test started
            f"{address}/graphql",
            json.dumps({"query": TELL, "variables": {"events": [event]}}).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            told = json.load(answer)["data"]["interactionsIngest"]
        assert told == {"accepted": 1, "userErrors": []}

    return tell


def open_page(steward):
    """Of the Margaret Ellison with the telephone."""
    steward.sign_in()
    steward.go("/desk/people?find=margaret+ellison")
    pages = [line.get_attribute("href") for line in steward.all(".line")]
    for page in pages:
        steward.driver.get(page)
        if "900123" in steward.one(".head").text:
            return
    pytest.fail("she is not found")


def live(steward):
    return "is-live" in steward.one("body").get_attribute("class")


def test_a_call_arrives_on_the_open_page_and_leaves_it(steward, call):
    open_page(steward)
    steward.until(lambda: live(steward), "the stream of events")
    call("interaction.started", 1, reason="leak", leaseSeconds=600)
    steward.until(lambda: "phones" in steward.one("[data-live=now]").text, "the call")
    call("interaction.ended", 2, durationSeconds=61)
    steward.until(lambda: "phones" not in steward.one("[data-live=now]").text, "its end")
    assert "Call 2 min" in steward.one("[data-live=timeline]").text
    assert steward.complaints() == []


def test_a_matter_is_handed_over_by_keyboard_alone(steward, call):
    call("interaction.started", 1, reason="leak", leaseSeconds=600)
    call(
        "message.created",
        2,
        text="The new machine leaks as well. Can somebody come?",
        messageId="m",
        actor={"kind": "CUSTOMER", "id": "margaret"},  # without one it is nobody's question
    )
    open_page(steward)
    steward.driver.execute_script("document.querySelector('.matter input[name=reason]').focus()")
    steward.press("needs a technician", Keys.ENTER)
    steward.reads("Nobody has accepted it yet.")
    steward.reads("The new machine leaks as well.")
    steward.one(".inline button").send_keys(Keys.ENTER)
    steward.reads("Accepted")
    steward.one(".inline button").send_keys(Keys.ENTER)
    steward.reads("Ended")
    assert steward.complaints() == []


def test_what_somebody_writes_is_not_taken_away_by_what_arrives(steward, call):
    open_page(steward)
    steward.until(lambda: live(steward), "the stream of events")
    field = steward.one(".matter input[name=reason]")
    field.send_keys("half a sent")
    call("interaction.started", 1, leaseSeconds=600)
    steward.until(lambda: "phones" in steward.one("[data-live=now]").text, "the call")
    assert steward.focused.get_attribute("value") == "half a sent"
    call("interaction.ended", 2)
