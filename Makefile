# SMS Receipt: `make run` starts the whole service, `make test` proves it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 7500

# Tests of real processes, killed and restarted. They wait more than they compute, so three files of
# them go on side by side, the longest first, each with services of its own.
REAL := tests/drills tests/faults tests/store/test_cluster.py tests/browser tests/journeys \
  tests/store/test_local_server.py
BESIDE := -n 3 --dist loadfile --no-loadscope-reorder

# It counts what arrives within a second: whoever takes a core meanwhile would be counted too.
ALONE := tests/faults/test_pace.py

.DEFAULT_GOAL := help
.PHONY: help run install test lint states bench profile bench-bill drill clean

help: ## what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.run: pyproject.toml constraints.txt
	@echo "Installing into $(VENV): the service and the Python packages it needs (constraints.txt)."
	@tools/make_venv $(PYTHON) $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@echo "Installing into $(VENV): what the tests need (pytest, hypothesis, ruff, mypy, selenium ...)."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@tools/install_test_packages
	@touch $@

install: $(VENV)/.run ## the service alone, into .venv

run: $(VENV)/.run ## the whole service with phones on a page; PORT=7500
	@exec $(BIN)/sms-receipt demo --port $(PORT)

test: $(VENV)/.test lint ## every test, with lint, types and import contracts
	@$(BIN)/python -m pytest -n 2 $(addprefix --ignore=,$(REAL))
	@$(BIN)/python -m pytest $(BESIDE) $(REAL) $(addprefix --ignore=,$(ALONE))
	@$(BIN)/python -m pytest $(ALONE)

lint: $(VENV)/.test ## ruff, mypy, import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

states: $(VENV)/.run ## draw docs/states.md from the tables
	@$(BIN)/sms-receipt states --page > docs/states.md

bench: $(VENV)/.test ## doors, feed, worker beside their peers, into docs/bench; BENCH=--short
	@$(BIN)/python -m tests.bench $(BENCH)

profile: $(VENV)/.test ## a flame graph of each door, into docs/bench
	@$(BIN)/python -m tests.bench.profile

bench-bill: $(VENV)/.run ## a month's bill for 100,000 and for a million customers, measured
	@$(BIN)/python -m tests.bench.bill

drill: $(VENV)/.test ## processes killed, stopped, cut off under load; about 25 minutes, as root
	@$(BIN)/python -m tests.drills --out docs/drills.md

clean: ## remove what was installed and built; data in var stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
