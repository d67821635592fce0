# SMS Receipt: `make run` starts the whole service, `make test` runs every test, `make help` lists
# the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 7500

# Tests of real processes, killed and restarted. They wait more than they compute: three files run
# side by side, the longest first, each with services of its own.
REAL := tests/drills tests/journeys tests/release tests/receipts/store/test_cluster.py \
  tests/receipts/store/servers tests/receipts/store/test_local_server.py \
  tests/receipts/store/test_backup_topologies.py
BESIDE := -n 3 --dist loadfile --no-loadscope-reorder

# It counts arrivals within a second: other work on the machine would distort the count.
ALONE := tests/journeys/faults/test_rate_limit.py

.DEFAULT_GOAL := help
.PHONY: help run install dev test test-units test-processes test-deep lint drill bench profile \
  bench-bill docs states settings metrics picture release-check matrix lock audit clean

help: ## this list
	@awk -F ':.*## ' '/^#@/ { print substr($$0, 4) } /^[a-z-]+:.*## / { printf "  %-16s%s\n", $$1, $$2 }' \
	  $(MAKEFILE_LIST)

# Every package is pinned with the hashes of its files; `make lock` renews the pins.
PIP := $(BIN)/pip -qq --disable-pip-version-check install
LOCKED := $(PIP) --require-hashes -r requirements

$(VENV)/.run: pyproject.toml requirements/build.txt requirements/run.txt
	@echo "Installing into $(VENV): the service and the Python packages it needs (requirements/run.txt)."
	@tools/make_venv $(PYTHON) $(VENV)
	@$(LOCKED)/build.txt
	@$(LOCKED)/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	@echo "Installing into $(VENV): the test tools (pytest, hypothesis, ruff, mypy, selenium ...)."
	@$(LOCKED)/test.txt
	@tools/install_test_packages
	@touch $@

$(VENV)/.tools: $(VENV)/.run requirements/tools.txt
	@echo "Installing into $(VENV)/tools: pip-tools, pip-audit, twine."
	@$(PYTHON) -m venv $(VENV)/tools
	@$(VENV)/tools/bin/pip -qq --disable-pip-version-check install --require-hashes \
	  -r requirements/build.txt -r requirements/tools.txt
	@touch $@

#@ Run
run: $(VENV)/.run ## the whole service with phones on a web page; PORT=7500
	@exec $(BIN)/sms-receipt demo --port $(PORT)

install: $(VENV)/.run ## install the service alone, into .venv

dev: $(VENV)/.test ## install the test tools too

#@ Test
test: $(VENV)/.test lint test-units test-processes ## every test, with lint, types and import contracts
	@$(BIN)/python -m pytest $(ALONE)

test-units: $(VENV)/.test ## the tests that need no process of ours
	@$(BIN)/python -m pytest -n 2 $(addprefix --ignore=,$(REAL))

test-processes: $(VENV)/.test ## the tests of real processes
	@$(BIN)/python -m pytest $(BESIDE) $(REAL) $(addprefix --ignore=,$(ALONE))

test-deep: $(VENV)/.test ## the tests of properties with ten times as many examples
	@$(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile deep

lint: $(VENV)/.test ## ruff, mypy, import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/mypy tools/check_consent.py
	@$(BIN)/lint-imports

drill: $(VENV)/.test ## kill, stop and cut off processes under load; about 40 minutes, as root
	@$(BIN)/python -m tests.drills --out docs/drills.md
	@$(BIN)/python -m tests.drills.rolling --out docs/drills.md

#@ Measure
bench: $(VENV)/.test ## cost of an event beside reference programs, into docs/bench; BENCH=--short
	@$(BIN)/python -m tests.bench $(BENCH)

profile: $(VENV)/.test ## a flame graph of each way in, into build/profile
	@$(BIN)/python -m tests.bench.profile

bench-bill: $(VENV)/.run ## a month's bill for 100,000 and for a million customers
	@$(BIN)/python -m tests.bench.bill

#@ Documents
docs: states settings metrics picture ## all pages and pictures that are generated

states: $(VENV)/.run ## docs/states.md from the state tables
	@$(BIN)/sms-receipt states --page > docs/states.md

settings: $(VENV)/.run ## docs/settings.md and .env.example from the settings
	@$(BIN)/python -m app.settings_page > docs/settings.md
	@$(BIN)/python -m app.settings_page --env > .env.example

metrics: $(VENV)/.run ## docs/metrics.md and the dashboard for Grafana
	@$(BIN)/python -m app.metrics.page > docs/metrics.md
	@$(BIN)/python -m app.metrics.dashboard > deploy/grafana-dashboard.json

picture: $(VENV)/.test ## docs/*.png from a running demo
	@$(BIN)/python -m tests.support.picture

#@ Release
release-check: $(VENV)/.test $(VENV)/.tools ## whether this commit can be released: a checklist; builds into dist
	@$(BIN)/python tools/release_check.py $(CURDIR)/$(VENV)/tools/bin

matrix: ## the tests on each Python from 3.11 to 3.14 that is at hand; MATRIX="--all PATH-OF-TESTS"
	@tools/matrix $(MATRIX)

#@ Packages
lock: $(VENV)/.tools ## pin the packages of pyproject.toml with hashes; UPGRADE=--upgrade renews all
	@tools/lock $(VENV)/tools/bin $(UPGRADE)

audit: $(VENV)/.tools ## look up known vulnerabilities of the pinned packages
	@$(BIN)/python tools/audit.py $(VENV)/tools/bin/pip-audit

#@ Clean
clean: ## remove installed and built files; data in var stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
