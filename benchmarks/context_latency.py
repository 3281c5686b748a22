"""One customer with orders, tickets and conversations over four sources of 20 ms each.

The emulated platforms, `knownas serve` and the caller are processes of their own; everybody is
synced and resolved before. Requests follow one another. Every one reads the person's rows live at
four sources, then what hangs on them at three: two steps, so that no answer can be faster than two
latencies. The peer of the same run is `floor`: an httpx client that makes the very same calls in
the same two steps and does nothing with the answers.

Limit: p50_ms at most 60.
"""

import argparse
import asyncio
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop

ROOT = Path(__file__).parents[1]
LIMIT_MS = 60
EMAIL = "margaret.ellison@example.com"
SYSTEMS = {"crm": "hubspot", "shop": "shopify", "desk": "zendesk", "chat": "intercom"}
# Far above any plan: what is measured is the time of an answer, not the wait for a rate limit.
RATES = {
    "crm": "{ account = 1e6 }",
    "shop": "{ account = 1e8 }",
    "desk": "{ account = 1e6 }",
    "chat": "{ account = 1e6 }",
}
QUERY = """
query Context($email: String!) {
  customer(by: { email: $email }, freshness: { maxAgeMs: 0, allowStale: false }) {
    id displayName primaryEmail primaryPhone completeness
    orders { nodes { id number status channel occurredAt total { amount currency } } }
    tickets { nodes { id number subject status channel occurredAt } }
    conversations { nodes { id state channel occurredAt } }
  }
}"""
FIRST_STEP = ("/batch/read", "/users/show_many", "/contacts/search")
"""Endings of the paths that read people; Shopify's one path does both."""

Ask = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Call:
    """A request to a platform, as the product made it."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    step: int


def main() -> None:
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="knownas-bench-") as name:
        folder = Path(name)
        with _platforms(asked) as places:
            environ = _configure(folder, places)
            for command in (("sync",), ("identity", "resolve")):
                subprocess.run(_knownas(folder, *command), env=environ, check=True, stdout=-3)
            with _serving(folder, environ) as address:
                _report(uvloop.run(_measured(address, places, asked)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--warm-up", type=int, default=50)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--people", type=int, default=200)
    return parser.parse_args()


# ---------------------------------------------------------------- the processes


@contextmanager
def _platforms(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Where the emulators are, and their credentials, by the names of the sources."""
    command = [sys.executable, "-m", "sandbox", "--people", str(asked.people)]
    command += ["--latency-ms", str(asked.latency_ms)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  # asked for above
        places = json.loads(process.stdout.readline())
        try:
            yield {name: places[vendor] for name, vendor in SYSTEMS.items()}
        finally:
            process.terminate()


def _configure(folder: Path, places: Mapping[str, Any]) -> dict[str, str]:
    """Write knownas.toml; the environment that goes with it."""
    lines = [f'[state]\nurl = "sqlite:///{folder}/knownas.db"\n[log]\nlevel = "warning"']
    environ = dict(os.environ)
    for name, vendor in SYSTEMS.items():
        held = dict(places[name]["credentials"])
        environ[f"{name.upper()}_TOKEN"] = held.pop("token")
        lines.append(f'[sources.{name}]\nconnector = "{vendor}"\nphone_region = "GB"')
        lines.append(f'base_url = "{places[name]["url"]}"\nrates = {RATES[name]}')
        lines.append(f'token = {{ env = "{name.upper()}_TOKEN" }}')
        lines += [f'{key} = "{value}"' for key, value in held.items()]
    (folder / "knownas.toml").write_text("\n".join(lines), encoding="utf-8")
    return environ


def _knownas(folder: Path, *arguments: str) -> list[str]:
    program = str(Path(sys.executable).with_name("knownas"))
    return [program, *arguments, "-c", str(folder / "knownas.toml")]


@contextmanager
def _serving(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """`knownas serve` on a free port; its address."""
    command = _knownas(folder, "serve", "--port", "0")
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None  # noqa: S101  # asked for above
        try:
            told = next((line for line in process.stderr if line.startswith("serving ")), None)
            if told is None:
                raise SystemExit("knownas serve ended without serving")
            yield told.split()[1]
        finally:
            process.terminate()


# ---------------------------------------------------------------- the measuring


async def _measured(
    address: str, places: Mapping[str, Any], asked: argparse.Namespace
) -> dict[str, float]:
    async with httpx.AsyncClient(timeout=30) as caller:
        ask = _product(caller, address)
        await _times_ms(ask, asked.warm_up)
        for place in places.values():
            await caller.delete(f"{place['url']}/__calls")
        await ask()
        calls = [call for n, p in places.items() for call in await _calls(caller, n, p)]
        floor = _floor(caller, calls)
        await _times_ms(floor, asked.warm_up)
        busy_s = await _busy_s(caller, address)
        ours = await _times_ms(ask, asked.requests)
        busy_s = await _busy_s(caller, address) - busy_s
        theirs = await _times_ms(floor, asked.requests)
    return {
        "p50_ms": _rank(ours, 50),
        "p99_ms": _rank(ours, 99),
        "upstream_calls": len(calls),
        "cpu_ms": round(busy_s / asked.requests * 1_000, 2),
        "floor_ms": _rank(theirs, 50),
        "floor_p99_ms": _rank(theirs, 99),
        "limit_ms": LIMIT_MS,
        "requests": asked.requests,
    }


def _product(caller: httpx.AsyncClient, address: str) -> Ask:
    body = {"query": QUERY, "variables": {"email": EMAIL}}

    async def ask() -> None:
        answer = (await caller.post(address, json=body)).raise_for_status().json()
        customer = (answer.get("data") or {}).get("customer") or {}
        whole = all(customer.get(name, {}).get("nodes") for name in ("orders", "tickets"))
        if "errors" in answer or customer.get("completeness") != "COMPLETE" or not whole:
            raise SystemExit(f"not the answer that is to be measured: {json.dumps(answer)[:500]}")

    return ask


async def _busy_s(caller: httpx.AsyncClient, address: str) -> float:
    """Processor time of the product's process so far."""
    told = (await caller.get(address.replace("/graphql", "/metrics"))).text
    name = "knownas_process_cpu_seconds_total "
    return next(float(one.split()[1]) for one in told.splitlines() if one.startswith(name))


async def _calls(caller: httpx.AsyncClient, name: str, place: Mapping[str, Any]) -> list[Call]:
    """What the product asked of a platform for one answer."""
    made = (await caller.get(f"{place['url']}/__calls")).json()["recent"]
    return [
        Call(
            url=f"{place['url']}{one['path']}" + (f"?{one['query']}" if one["query"] else ""),
            method=one["method"],
            headers=_headers(name, place["credentials"]),
            body=one["body"].encode(),
            step=1 if one["path"].endswith(FIRST_STEP) or "on Customer" in one["body"] else 2,
        )
        for one in made
    ]


def _headers(name: str, held: Mapping[str, str]) -> dict[str, str]:
    kind = {"content-type": "application/json", "accept": "application/json"}
    if name == "shop":
        return kind | {"x-shopify-access-token": held["token"]}
    if name == "desk":
        pair = f"{held['email']}/token:{held['token']}".encode()
        return kind | {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return kind | {"authorization": f"Bearer {held['token']}"}


def _floor(caller: httpx.AsyncClient, calls: Sequence[Call]) -> Ask:
    steps = [[call for call in calls if call.step == step] for step in (1, 2)]
    if not all(steps):
        raise SystemExit("the product did not ask in two steps")

    async def send(call: Call) -> None:
        answer = await caller.request(
            call.method, call.url, headers=call.headers, content=call.body
        )
        answer.raise_for_status()

    async def ask() -> None:
        for step in steps:
            await asyncio.gather(*map(send, step))

    return ask


async def _times_ms(ask: Ask, times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - started) * 1_000)
    return taken


def _rank(times_ms: Sequence[float], percent: int) -> float:
    return round(statistics.quantiles(times_ms, n=100, method="inclusive")[percent - 1], 2)


def _report(figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        print(f"{name:16}{value:10.2f}")
    if figures["p50_ms"] > LIMIT_MS:
        print(f"MISSED: p50_ms is above {LIMIT_MS}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
