"""`knownas check`, and what every command says of a configuration it cannot use."""

import socket
import sqlite3
from contextlib import closing


def test_what_each_system_can_do_is_told(deploy):
    fresh = deploy()
    ended = fresh.knownas("check")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    rows = [line.split("\t") for line in ended.stdout.splitlines()[1:]]
    assert [row[:3] for row in rows] == [
        ["crm", "hubspot", "OK"],
        ["shop", "shopify", "OK"],
        ["desk", "zendesk", "OK"],
        ["chat", "intercom", "OK"],
    ]
    assert all("contact: " in row[4] for row in rows)
    with closing(sqlite3.connect(fresh.state)) as connection:
        assert connection.execute("select name from sqlite_master").fetchall() == []


def test_who_cannot_be_reached_and_who_refuses_us_is_named_in_a_line_each(deploy):
    fresh = deploy()
    fresh.env["SHOP_TOKEN"] = "wrong-5f1d-do-not-show"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listened on: connections are refused
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        fresh.configure(sources={"desk": {"base_url": nobody}})
        ended = fresh.knownas("check")
    assert ended.returncode == 1
    refused, unreachable = ended.stderr.splitlines()
    assert refused == "knownas: shop: answered 401"
    assert unreachable.startswith("knownas: desk: no answer")
    assert "wrong-5f1d" not in ended.stdout + ended.stderr
    assert "127.0.0.1" not in ended.stdout + ended.stderr
    told = [line.split("\t")[2] for line in ended.stdout.splitlines()[1:]]
    assert told == ["OK", "UNAUTHORIZED", "UNAVAILABLE", "OK"]


def test_a_literal_secret_is_refused_and_not_shown(deploy):
    fresh = deploy()
    fresh.configure(sources={"crm": {"token": "literal-77aa-do-not-show"}})
    ended = fresh.knownas("serve")
    assert ended.returncode == 1
    [complaint] = ended.stderr.splitlines()
    assert "sources.crm.token: a literal secret is refused" in complaint
    assert "literal-77aa" not in complaint
    assert ended.stdout == ""
    assert not fresh.state.exists()


def test_unknown_keys_are_told_in_one_line_with_their_places_and_the_nearest_known_ones(deploy):
    fresh = deploy()
    fresh.configure("[server]\nprot = 1", {"desk": {"timout_s": 3}})
    ended = fresh.knownas("check")
    assert ended.returncode == 1
    [complaint] = ended.stderr.splitlines()
    assert complaint.startswith(f"knownas: {fresh.config}")
    assert "server.prot: unknown key; did you mean port?" in complaint
    assert "sources.desk.timout_s: unknown key; did you mean timeout_s?" in complaint
