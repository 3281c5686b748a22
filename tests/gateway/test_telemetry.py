"""Figures as Prometheus reads them."""

import logging

import pytest

from gateway.telemetry import HELP, PrometheusTelemetry


def _lines(telemetry: PrometheusTelemetry) -> list[str]:
    return telemetry.exposition().decode().splitlines()


def test_counts_and_times_are_told_with_their_labels() -> None:
    telemetry = PrometheusTelemetry("1.2.3")
    telemetry.count("source_calls", {"source": "crm", "outcome": "OK"})
    telemetry.count("source_calls", {"outcome": "OK", "source": "crm"}, 2)
    telemetry.observe("source_call_seconds", {"source": "crm"}, 0.03)
    lines = _lines(telemetry)
    assert 'knownas_source_calls_total{outcome="OK",source="crm"} 3.0' in lines
    assert 'knownas_source_call_seconds_bucket{le="0.04",source="crm"} 1.0' in lines
    assert 'knownas_source_call_seconds_bucket{le="0.02",source="crm"} 0.0' in lines
    assert 'knownas_info{version="1.2.3"} 1.0' in lines
    assert f"# HELP knownas_source_calls_total {HELP['source_calls']}" in lines


def test_a_figure_without_labels_is_told() -> None:
    telemetry = PrometheusTelemetry("1")
    telemetry.count("plain", {})
    telemetry.observe("plain_seconds", {}, 1)
    assert "knownas_plain_total 1.0" in _lines(telemetry)
    assert "knownas_plain_seconds_count 1.0" in _lines(telemetry)


def test_a_figure_with_other_labels_is_dropped_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    telemetry = PrometheusTelemetry("1")
    telemetry.count("calls", {"source": "crm"})
    for _ in range(3):
        telemetry.count("calls", {"source": "crm", "kind": "x"})
        telemetry.count("calls", {})
    assert 'knownas_calls_total{source="crm"} 1.0' in _lines(telemetry)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        "figure_dropped name=calls labels=kind,source"
    ]


def test_two_programs_in_one_process_do_not_share_figures() -> None:
    one, other = PrometheusTelemetry("1"), PrometheusTelemetry("1")
    one.count("calls", {})
    assert "knownas_calls_total 1.0" not in _lines(other)
