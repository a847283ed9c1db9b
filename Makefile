# Every target sets up what it needs; `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
SIZE ?= full

.PHONY: help setup demo serve test bench lint check clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.venv/.ready: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@UV_PROJECT_ENVIRONMENT=.venv UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 $(BIN)/uv sync --quiet --locked --inexact
	@touch $@

setup: .venv/.ready ## Create .venv with everything; afterwards .venv/bin/selbsthelfer is the command

demo: setup ## Show the programme of 2017 at work on a made-up operator of 2,000 lines
	@$(BIN)/selbsthelfer demo

test: setup ## Run the tests on the embedded database (or on DATABASE_URL)
	@$(BIN)/pytest

bench: setup ## Measure speed as ratios in one run (SIZE=small for a quick look, SIZE=huge for 10,000,000 lines)
	@$(BIN)/python -m bench --size $(SIZE)

lint: setup ## Style, types and import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

check: lint test ## All that CI runs on one database

clean: ## Remove the virtual environment and caches (the data directory stays)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
