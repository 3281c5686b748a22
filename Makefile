# `make demo` and `make test` on a fresh machine with Python 3.11 to 3.13; the rest is for people who change the code.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
KNOWNAS_SHARED ?= ../shared
export KNOWNAS_SHARED
# Where it is set, each of the processes that a test run starts would compile all of the code anew.
unexport PYTHONDONTWRITEBYTECODE
DEMO_PORT ?= 8000
DEMO_PEOPLE ?= 200

# The first Python that runs and is of a supported version: a name on PATH may be a shim that does not.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: help setup demo test test-fuzz storm check format test-contract test-realsys test-mailbox test-browser test-engines test-long bench trees lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/installed: requirements-bootstrap.lock requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with venv is needed and none was found on PATH" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

gateway/console/dist/built: .venv/installed $(wildcard gateway/console/*.json gateway/console/*.py gateway/console/src/*)
	$(BIN)/python gateway/console/build.py
	@touch $@

setup: .venv/installed gateway/console/dist/built  ## .venv with everything locked, and the console

demo: setup  ## emulated platforms, synced, resolved and served on http://127.0.0.1:8000
	$(BIN)/knownas demo --port $(DEMO_PORT) --people $(DEMO_PEOPLE)

test: setup  ## every test but those that need the vendors' mocks, a browser or real systems
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations=30 --ignore=tests/browser --ignore=tests/realsys -m "not contract and not browser and not realsys and not mailbox and not engines"

test-engines: setup  ## pairs scored on Spark as on DuckDB; installs the extra `spark`, needs Java 17
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraints requirements.lock -r pyproject.toml --extra spark
	$(BIN)/pytest -m engines

test-contract: setup  ## judged by the vendors' descriptions, the graph's design and federation's composition
	$(BIN)/pytest -m contract

test-realsys: setup  ## the product over four real systems, installed and started for it (docs/realsys.md)
	$(BIN)/pytest -m realsys tests/realsys

test-mailbox: setup  ## the mailbox connector over a real Dovecot (Debian: dovecot-imapd)
	$(BIN)/pytest -m mailbox tests/connectors/imap

test-browser: setup  ## the pages in headless Chromium (Debian: chromium, chromium-driver)
	$(BIN)/pytest -m browser

test-long: setup  ## decisions: 10,000 random sequences against a plain model, 100 kills; 100 orders of arrival (about an hour)
	KNOWNAS_SEQUENCES=10000 KNOWNAS_KILLS=100 $(BIN)/pytest --numprocesses auto tests/decisions
	KNOWNAS_ORDERS=100 $(BIN)/pytest tests/identity/test_live.py -k order

storm: setup  ## more than 10,000 webhooks, repeated and out of order, with a kill in the middle
	KNOWNAS_STORM=7600 $(BIN)/pytest -q tests/e2e/test_storm.py --log-cli-level=WARNING

test-replay: setup  ## 100,000 events, a tenth twice and a tenth out of order, end as the clean run (about two minutes)
	KNOWNAS_REPLAY_EVENTS=100000 $(BIN)/pytest -q tests/state/test_events.py -k replay --durations=1

test-fuzz: setup  ## plans against the reference executor, 20,000 random operations
	PLAN_SEED=$${PLAN_SEED:-$$RANDOM} PLAN_OPERATIONS=20000 $(BIN)/pytest -s tests/gateway/test_plan_equality.py

check: setup  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## mend what can be mended by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## the benchmarks; each ends with one JSON line
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || echo "NOT RUN: $$script"; done

trees: setup  ## identity/data/trees.json from the SQL of the comparisons and blocking keys
	$(BIN)/python -m identity.parser

lock: setup  ## renew the locks from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.lock

clean:  ## remove what was built
	rm -rf .venv gateway/console/dist gateway/console/node_modules .demo
