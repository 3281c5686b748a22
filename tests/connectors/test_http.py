"""The shared layer: deadlines, retries, waits, de-duplication, breaker, all in virtual time."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from connectors.request import Request, get, post
from domain.errors import (
    CircuitOpen,
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnavailable,
)
from domain.vocabulary import SourceState

ASK = get("/things", {"q": "1"})


def now() -> float:
    return asyncio.get_running_loop().time()


def ok(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"fine": True})


def status(code: int, **headers: str) -> Any:
    kept = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: httpx.Response(code, headers=kept)


def slowly(seconds: float) -> Any:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(seconds)
        return ok(request)

    return answer


class Changing:
    """Answers as `now` says."""

    def __init__(self, first: Any) -> None:
        self.now = first

    def __call__(self, request: httpx.Request) -> Any:
        return self.now(request)


def scripted(*answers: Any) -> Any:
    """Each answer once, then success."""
    rest = list(answers)
    return lambda request: rest.pop(0)(request) if rest else ok(request)


# ---------------------------------------------------------------- what goes out and comes in


async def test_a_request_goes_out_whole_and_comes_back_decoded(layer: Any, harness: Any) -> None:
    made = layer(ok, headers={"x-version": "7"})
    request = post("/s/é", {"a": [1]}, query=[("q", "a b&c"), ("q", "2")], headers=(("x-y", "z"),))
    reply = await made.http.call(request, harness.within())
    (sent,) = made.calls
    assert str(sent.url) == "https://vendor.example/base/s/%C3%A9?q=a%20b%26c&q=2"
    assert (sent.method, sent.content) == ("POST", b'{"a":[1]}')
    assert sent.headers["authorization"] == "Bearer planted-token"
    assert (sent.headers["x-version"], sent.headers["x-y"]) == ("7", "z")
    assert (sent.headers["accept"], sent.headers["user-agent"]) == ("application/json", "knownas")
    assert (reply.status, reply.data) == (200, {"fine": True})


async def test_a_status_that_means_no_such_row_is_a_reply(layer: Any, harness: Any) -> None:
    made = layer(status(404))
    reply = await made.http.call(get("/x", empty=frozenset({404})), harness.within())
    assert (reply.status, reply.data) == (404, None)
    with pytest.raises(SourceProtocolError, match="refused the request with 404"):
        await made.http.call(get("/x"), harness.within())


async def test_an_answer_above_the_cap_is_a_protocol_error(layer: Any, harness: Any) -> None:
    made = layer(lambda _: httpx.Response(200, json="x" * 1000), max_bytes=1000)
    with pytest.raises(SourceProtocolError, match="more than 1000 bytes"):
        await made.http.call(ASK, harness.within())


# ---------------------------------------------------------------- deadlines


async def test_the_deadline_is_for_the_whole_call_with_its_retries(
    layer: Any, harness: Any
) -> None:
    async def slow_failure(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.4)
        return httpx.Response(500)

    made = layer(slow_failure)
    began = now()
    with pytest.raises(SourceTimeout):
        await made.http.call(ASK, harness.within(1.0))
    assert now() - began == pytest.approx(1.0)


async def test_waiting_for_a_slot_counts(layer: Any, harness: Any) -> None:
    made = layer(slowly(0.6), concurrency=1)
    calls = [made.http.call(get(f"/{n}"), harness.within(1.0)) for n in range(3)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(r) for r in results] == [type(results[0]), SourceTimeout, SourceTimeout]
    assert results[0].status == 200
    assert len(made.calls) == 2
    # The one who gave up holds no slot.
    assert (await made.http.call(ASK, harness.within(1.0))).status == 200


async def test_no_more_calls_at_once_than_allowed(layer: Any, harness: Any) -> None:
    running = most = 0

    async def counted(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return ok(request)

    made = layer(counted, concurrency=3)
    await asyncio.gather(*(made.http.call(get(f"/{n}"), harness.within()) for n in range(20)))
    assert most == 3


# ---------------------------------------------------------------- retries


async def test_reads_are_tried_three_times_with_growing_random_waits(
    layer: Any, harness: Any
) -> None:
    at: list[float] = []

    def failing(_request: httpx.Request) -> httpx.Response:
        at.append(now())
        return httpx.Response(503)

    made = layer(failing)
    with pytest.raises(SourceUnavailable, match="answered 503"):
        await made.http.call(ASK, harness.within())
    assert len(at) == 3
    assert 0 < at[1] - at[0] <= 0.1
    assert 0 < at[2] - at[1] <= 0.2
    assert made.tally.total("source_retries") == 2


@pytest.mark.parametrize("code", [400, 401, 404, 422, 302])
async def test_refusals_are_not_tried_again(layer: Any, harness: Any, code: int) -> None:
    made = layer(status(code))
    with pytest.raises(SourceError):
        await made.http.call(ASK, harness.within())
    assert len(made.calls) == 1


async def test_what_is_not_a_read_is_sent_once(layer: Any, harness: Any) -> None:
    made = layer(status(503))
    write = Request(method="POST", path="/x", read=False)
    with pytest.raises(SourceUnavailable):
        await made.http.call(write, harness.within())
    assert len(made.calls) == 1


async def test_a_source_that_is_down_is_hardly_asked_more_than_one_that_is_well(
    layer: Any, harness: Any
) -> None:
    """Without a budget 300 callers would make 900 calls. Every tenth answer succeeds, so that the
    breaker stays out of this.
    """
    count = 0

    def mostly_failing(request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        return ok(request) if count % 3 == 0 else httpx.Response(500)

    made = layer(mostly_failing)
    for n in range(300):
        await asyncio.gather(made.http.call(get(f"/{n}"), harness.within()), return_exceptions=True)
    assert 300 < len(made.calls) <= 300 + 10 + 300 * 0.1 + 1


async def test_no_retry_that_could_not_be_answered_in_time(layer: Any, harness: Any) -> None:
    made = layer(status(500))
    began = now()
    with pytest.raises(SourceUnavailable):
        await made.http.call(ASK, harness.within(0.001))
    assert now() - began < 0.001


# ---------------------------------------------------------------- waits the source asks for


@pytest.mark.parametrize(
    "headers", [{"retry-after": "2"}, {"retry-after": "Mon, 02 Mar 2026 09:00:02 GMT"}]
)
async def test_retry_after_is_honoured_in_both_forms(
    layer: Any, harness: Any, headers: dict[str, str]
) -> None:
    made = layer(scripted(lambda _: httpx.Response(429, headers=headers)))
    began = now()
    await made.http.call(ASK, harness.within(5.0))
    assert 2.0 <= now() - began < 2.1


async def test_a_503_that_says_how_long_is_a_wait(layer: Any, harness: Any) -> None:
    made = layer(status(503, retry_after="60"))
    with pytest.raises(SourceRateLimited) as refusal:
        await made.http.call(ASK, harness.within(5.0))
    assert refusal.value.retry_after_s == 60


async def test_the_vendors_own_header_tells_the_wait(layer: Any, harness: Any) -> None:
    made = layer(
        scripted(status(429, x_reset="1.5")),
        wait_header=lambda headers: float(headers["x-reset"]),
    )
    began = now()
    await made.http.call(ASK, harness.within(5.0))
    assert 1.5 <= now() - began < 1.6


@pytest.mark.parametrize("value", ["soon", "", "-5", "1e400", "Mon, 99 Foo 2026"])
async def test_a_wait_nobody_can_read_is_unknown(layer: Any, harness: Any, value: str) -> None:
    made = layer(status(429, retry_after=value))
    with pytest.raises(SourceRateLimited) as refusal:
        await made.http.call(ASK, harness.within())
    assert refusal.value.retry_after_s is None
    assert len(made.calls) == 3


async def test_a_storm_of_callers_waits_together_and_asks_again_once_each(
    layer: Any, harness: Any
) -> None:
    """One refusal holds everybody back: forty callers do not find out forty times."""
    until = 0.0

    def limited(request: httpx.Request) -> httpx.Response:
        nonlocal until
        if not until:
            until = now() + 2.0
        return httpx.Response(429, headers={"retry-after": "2"}) if now() < until else ok(request)

    made = layer(limited, concurrency=4)
    calls = (made.http.call(get(f"/{n}"), harness.within(10.0)) for n in range(40))
    replies = await asyncio.gather(*calls)
    assert {reply.status for reply in replies} == {200}
    assert len(made.calls) <= 40 + 4


async def test_lanes_wait_apart(layer: Any, harness: Any) -> None:
    def search_is_full(request: httpx.Request) -> httpx.Response:
        full = request.url.path.endswith("search")
        return httpx.Response(429, headers={"retry-after": "60"}) if full else ok(request)

    made = layer(search_is_full)
    search = get("/search", lanes=("search",))
    with pytest.raises(SourceRateLimited):
        await made.http.call(search, harness.within())
    assert (await made.http.call(ASK, harness.within())).status == 200
    with pytest.raises(SourceRateLimited, match="asked to wait"):
        await made.http.call(search, harness.within())
    assert len(made.calls) == 2


# ---------------------------------------------------------------- our own rate limits


async def test_calls_keep_to_the_documented_rate(layer: Any, harness: Any) -> None:
    made = layer(ok, rates={"account": (10, 1.0)}, concurrency=50)
    began = now()
    await asyncio.gather(*(made.http.call(get(f"/{n}"), harness.within(10)) for n in range(30)))
    assert now() - began == pytest.approx(2.0, abs=0.1)


async def test_a_rate_that_is_used_up_until_the_deadline_is_said_so(
    layer: Any, harness: Any
) -> None:
    made = layer(ok, rates={"account": (2, 60.0)})
    for n in range(2):
        await made.http.call(get(f"/{n}"), harness.within())
    with pytest.raises(SourceRateLimited, match="our own rate limit"):
        await made.http.call(get("/2"), harness.within(1.0))
    assert len(made.calls) == 2


async def test_costs_count_as_what_they_are(layer: Any, harness: Any) -> None:
    made = layer(ok, rates={"account": (100, 10.0)})
    began = now()
    for n in range(3):
        await made.http.call(get(f"/{n}", cost=50), harness.within(10))
    assert now() - began == pytest.approx(5.0, abs=0.1)
    # More than the bucket holds is as much as it holds.
    await made.http.call(get("/big", cost=1000), harness.within(30))


async def test_the_plan_that_was_bought_sets_the_rate(layer: Any, harness: Any) -> None:
    made = layer(ok, rates={"account": (100, 60.0)}, plan={"account": 1})
    await made.http.call(get("/1"), harness.within())
    with pytest.raises(SourceRateLimited):
        await made.http.call(get("/2"), harness.within())


# ---------------------------------------------------------------- one call for many callers


async def test_the_same_read_at_the_same_time_is_one_call(layer: Any, harness: Any) -> None:
    made = layer(slowly(0.1))
    same = [made.http.call(get("/things", {"q": "1"}), harness.within()) for _ in range(5)]
    replies = await asyncio.gather(*same)
    assert len(made.calls) == 1
    assert all(reply is replies[0] for reply in replies)
    assert made.tally.total("source_deduplicated") == 4
    await made.http.call(ASK, harness.within())
    assert len(made.calls) == 2, "only calls under way are shared"


@pytest.mark.parametrize(
    "other",
    [
        get("/things", {"q": "2"}),
        get("/other", {"q": "1"}),
        post("/things", {}, query={"q": "1"}),
        get("/things", {"q": "1"}, headers=(("x", "y"),)),
    ],
)
async def test_other_reads_are_other_calls(layer: Any, harness: Any, other: Request) -> None:
    made = layer(slowly(0.1))
    await asyncio.gather(
        made.http.call(ASK, harness.within()), made.http.call(other, harness.within())
    )
    assert len(made.calls) == 2


async def test_writes_are_never_shared(layer: Any, harness: Any) -> None:
    made = layer(slowly(0.1))
    write = Request(method="POST", path="/x", read=False)
    await asyncio.gather(*(made.http.call(write, harness.within()) for _ in range(2)))
    assert len(made.calls) == 2


class Rotating:
    """Credentials that become others."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)
        self.renewals = 0

    @property
    def fingerprint(self) -> str:
        return self.values[0]

    async def headers(self) -> dict[str, str]:
        return {"authorization": self.values[0]}

    def refused(self, shown: Mapping[str, str] | None = None) -> bool:
        self.renewals += 1
        if len(self.values) > 1:
            self.values.pop(0)
            return True
        return False


async def test_two_credentials_are_two_calls(layer: Any, harness: Any) -> None:
    """One user's answer must not be handed to another because they asked the same."""
    credentials = Rotating("alice", "bob")
    made = layer(slowly(0.1), authenticator=credentials)
    first = asyncio.ensure_future(made.http.call(ASK, harness.within()))
    await asyncio.sleep(0.01)
    credentials.refused()
    await asyncio.gather(first, made.http.call(ASK, harness.within()))
    assert [call.headers["authorization"] for call in made.calls] == ["alice", "bob"]


async def test_a_caller_who_leaves_does_not_end_the_call_of_the_others(
    layer: Any, harness: Any
) -> None:
    made = layer(slowly(0.1))
    callers = [asyncio.ensure_future(made.http.call(ASK, harness.within())) for _ in range(3)]
    await asyncio.sleep(0.05)
    callers[0].cancel()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [result.status for result in results[1:]] == [200, 200]
    assert len(made.calls) == 1


async def test_the_last_caller_who_leaves_ends_the_call(layer: Any, harness: Any) -> None:
    ended = asyncio.Event()

    async def watched(request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.sleep(100)
        finally:
            ended.set()
        return ok(request)

    made = layer(watched)
    callers = [asyncio.ensure_future(made.http.call(ASK, harness.within(200))) for _ in range(2)]
    await asyncio.sleep(0.05)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await asyncio.wait_for(ended.wait(), 1)
    made.http.monitor.succeeded(0.1)
    assert (await made.http.call(get("/new"), harness.within(200))).status == 200


async def test_a_caller_with_more_time_asks_again_when_the_shared_call_is_cut(
    layer: Any, harness: Any
) -> None:
    made = layer(slowly(0.5))
    hasty = asyncio.ensure_future(made.http.call(ASK, harness.within(0.2)))
    await asyncio.sleep(0.1)
    patient = asyncio.ensure_future(made.http.call(ASK, harness.within(2.0)))
    with pytest.raises(SourceTimeout):
        await hasty
    assert (await patient).status == 200
    assert len(made.calls) == 2


async def test_a_caller_with_less_time_leaves_the_shared_call_at_its_own_deadline(
    layer: Any, harness: Any
) -> None:
    made = layer(slowly(0.5))
    patient = asyncio.ensure_future(made.http.call(ASK, harness.within(2.0)))
    await asyncio.sleep(0.1)
    began = now()
    with pytest.raises(SourceTimeout):
        await made.http.call(ASK, harness.within(0.2))
    assert now() - began == pytest.approx(0.2)
    assert (await patient).status == 200
    assert len(made.calls) == 1


# ---------------------------------------------------------------- breaker


async def broken(made: Any, harness: Any, times: int) -> list[type]:
    kinds = []
    for n in range(times):
        try:
            await made.http.call(get(f"/{n}"), harness.within())
            kinds.append(bool)
        except SourceError as error:
            kinds.append(type(error))
    return kinds


async def test_a_source_that_keeps_failing_is_left_alone(layer: Any, harness: Any) -> None:
    made = layer(status(500))
    kinds = await broken(made, harness, 10)
    assert kinds[0] is SourceUnavailable
    assert kinds[-1] is CircuitOpen
    assert len(made.calls) == 5
    assert made.http.monitor.status().state is SourceState.CIRCUIT_OPEN
    assert 0 < made.http.monitor.status().retry_after_ms <= 1_200


async def test_one_probe_finds_out_whether_it_is_back(layer: Any, harness: Any) -> None:
    answers = Changing(status(500))
    made = layer(answers)
    await broken(made, harness, 5)
    made.calls.clear()
    await asyncio.sleep(1.3)
    answers.now = slowly(0.1)
    probes = [made.http.call(get(f"/p{n}"), harness.within()) for n in range(4)]
    results = await asyncio.gather(*probes, return_exceptions=True)
    assert [type(r) for r in results[1:]] == [CircuitOpen] * 3
    assert results[0].status == 200
    assert len(made.calls) == 1
    assert (await made.http.call(ASK, harness.within())).status == 200


async def test_a_probe_that_fails_doubles_the_rest(layer: Any, harness: Any) -> None:
    made = layer(status(500))
    await broken(made, harness, 5)
    await asyncio.sleep(1.3)
    made.calls.clear()
    assert (await broken(made, harness, 1))[0] is SourceUnavailable
    await asyncio.sleep(1.3)
    assert await broken(made, harness, 1) == [CircuitOpen]
    await asyncio.sleep(1.3)
    made.calls.clear()
    await broken(made, harness, 1)
    assert len(made.calls) == 1


async def test_a_probe_that_is_cancelled_lets_the_next_one_try(layer: Any, harness: Any) -> None:
    answers = Changing(status(500))
    made = layer(answers)
    await broken(made, harness, 5)
    await asyncio.sleep(1.3)
    answers.now = slowly(50)
    probe = asyncio.ensure_future(made.http.call(ASK, harness.within(100)))
    await asyncio.sleep(0.1)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    answers.now = ok
    assert (await made.http.call(ASK, harness.within())).status == 200


@pytest.mark.parametrize("code", [400, 401, 404, 429])
async def test_a_source_that_refuses_is_not_down(layer: Any, harness: Any, code: int) -> None:
    made = layer(status(code))
    assert CircuitOpen not in await broken(made, harness, 12)


async def test_too_little_time_does_not_count_against_the_source(layer: Any, harness: Any) -> None:
    made = layer(slowly(0.5), timeout_s=3.0)
    for n in range(10):
        with pytest.raises(SourceTimeout):
            await made.http.call(get(f"/{n}"), harness.within(0.1))
    assert (await made.http.call(ASK, harness.within(3.0))).status == 200


async def test_hanging_for_its_full_time_does(layer: Any, harness: Any) -> None:
    made = layer(slowly(50), timeout_s=3.0)
    kinds = []
    for n in range(6):
        with pytest.raises(SourceError) as error:
            await made.http.call(get(f"/{n}"), harness.within(3.0))
        kinds.append(error.type)
    assert kinds == [SourceTimeout] * 5 + [CircuitOpen]


# ---------------------------------------------------------------- credentials


async def test_renewed_credentials_are_tried_once(layer: Any, harness: Any) -> None:
    credentials = Rotating("old", "new")
    made = layer(
        lambda request: (
            ok(request) if request.headers["authorization"] == "new" else httpx.Response(401)
        ),
        authenticator=credentials,
    )
    assert (await made.http.call(ASK, harness.within())).status == 200
    assert len(made.calls) == 2


async def test_credentials_that_stay_refused_are_an_error_at_once(
    layer: Any, harness: Any, taps: Any
) -> None:
    credentials = Rotating("old", "older", "oldest")
    made = layer(status(401), authenticator=credentials)
    with pytest.raises(SourceAuthError):
        await made.http.call(ASK, harness.within())
    assert len(made.calls) == 2
    assert len([text for text in taps.lines if "source_lost" in text]) == 1


# ---------------------------------------------------------------- what it tells


async def test_status_and_figures_follow_the_calls(layer: Any, harness: Any) -> None:
    made = layer(scripted(slowly(0.2), status(401)))
    status_of = made.http.monitor.status
    assert status_of().state is SourceState.NOT_ASKED
    await made.http.call(ASK, harness.within())
    after = status_of()
    assert (after.state, after.latency_ms) == (SourceState.OK, 200)
    assert after.checked_at == after.last_success_at
    assert abs(after.checked_at - made.clock.now()).total_seconds() < 0.001
    with pytest.raises(SourceAuthError):
        await made.http.call(ASK, harness.within())
    assert status_of().state is SourceState.UNAUTHORIZED
    assert status_of().last_success_at == after.last_success_at
    counts = {key[1:]: n for key, n in made.tally.counts.items() if key[0] == "source_calls"}
    assert counts == {
        ("outcome=OK", "source=here"): 1,
        ("outcome=UNAUTHORIZED", "source=here"): 1,
    }
    assert [name for name, _, _ in made.tally.observed] == ["source_call_seconds"] * 2
