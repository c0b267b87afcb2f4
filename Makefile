# What one types here. `make` alone lists it; only Python 3.11 or newer and make are needed beforehand.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes
PIP_FAILED := The packages could not be installed: read the line above; is the package index reachable, and is there a wheel for this platform?
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-strip-extras --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint check fix lock bench openapi screenshots clean

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name what; do printf '%-20s %s\n' "$$name" "$$what"; done

run: .venv/run.stamp  ## start everything, with a looping demo; Ctrl-C ends it
	@exec $(BIN)/python -m api up

test: .venv/dev.stamp  ## every test
	@$(BIN)/pytest -n 2

lint: .venv/dev.stamp  ## formatting, rules, imports, types; cheapest first
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

check: lint  ## lint, then every test with coverage
	@$(BIN)/pytest -n 2 --cov

fix: .venv/dev.stamp  ## format, and correct what can be corrected without thinking
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: .venv/dev.stamp  ## compile requirements*.in into requirements*.txt; UPGRADE=--upgrade takes newer versions
	$(COMPILE) $(UPGRADE) --output-file requirements.txt requirements.in
	$(COMPILE) $(UPGRADE) --output-file requirements-dev.txt requirements-dev.in

bench: .venv/run.stamp  ## measure rate, delays and losses of what `make run` started elsewhere
	@$(BIN)/python -m simulator bench

openapi: .venv/run.stamp  ## write the API's description anew, for review
	@$(BIN)/python -m api setup
	@$(BIN)/python -m api openapi > .venv/openapi.json && mv .venv/openapi.json ops/contracts/openapi.json

screenshots: .venv/dev.stamp  ## take the pictures of ops/docs anew (needs Chromium)
	@$(BIN)/python -m ops.screenshots

clean:  ## remove what set-up made; keeps var/ with the database and the secrets
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache .coverage

# A fault of the machine is one line that says what to do.
.venv/made.stamp:
	@test -w . || { echo "The folder $(CURDIR) cannot be written: make it writable, or clone elsewhere." >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON): install Python 3.11 or newer, or say make PYTHON=… ." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: install Python 3.11 or newer, or say make PYTHON=python3.12 ." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv: install it (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "Setting up .venv; the first time takes about a minute." >&2
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/run.stamp: .venv/made.stamp requirements.txt
	@$(PIP) -r requirements.txt || { echo "$(PIP_FAILED)" >&2; exit 1; }
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt
	@$(PIP) -r requirements-dev.txt || { echo "$(PIP_FAILED)" >&2; exit 1; }
	@touch $@
