# Everything by one command: `make demo` to see it, `make test` to trust it.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
PYTHON ?= python3
export PYTHON

.PHONY: help setup setup-tests setup-system setup-system-tests demo test lint verify bench docs lock clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-26s%s\n", $$1, $$2 }'

setup: ## Install what the program needs: system packages, .venv
	@deploy/setup/system.sh
	@$(MAKE) -s .venv/.program

setup-tests: ## Install what the tests need besides
	@deploy/setup/system.sh --tests
	@$(MAKE) -s .venv/.tests
	@if command -v java >/dev/null; then $(MAKE) -s .venv/.spark; fi

setup-system: ## The part of setup that needs root: sudo make setup-system
	@deploy/setup/system.sh

setup-system-tests: ## The part of setup-tests that needs root
	@deploy/setup/system.sh --tests

.venv/.program: requirements.txt pyproject.toml deploy/setup/python.sh
	@deploy/setup/python.sh requirements.txt
	@touch $@

.venv/.tests: requirements-dev.txt pyproject.toml deploy/setup/python.sh
	@deploy/setup/python.sh requirements-dev.txt
	@touch $@ .venv/.program

.venv/.spark: requirements-spark.txt .venv/.tests
	@deploy/setup/python.sh requirements-spark.txt
	@touch $@

demo: setup ## See it: a made-up city, collected, scored and shown on http://127.0.0.1:8501
	@$(BIN)/cem demo

test: setup-tests ## Run every check and test
	@$(MAKE) lint
	@$(BIN)/pytest -n auto --maxprocesses=4 --dist=loadfile

lint: setup-tests ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

verify: setup-tests ## The tests with full figures (hours): 100 kills, 20 seeds, long fuzzing
	@VERIFY=full $(BIN)/pytest
	@$(MAKE) bench

bench: setup-tests ## Run every benchmark at full size
	@deploy/setup/bench.sh

docs: setup-tests ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict

lock: ## Pin the Python packages anew (needs uv)
	@deploy/setup/lock.sh

clean: ## Remove what can be made again; keeps .cemaphore (your data) and .venv
	@rm -rf dist site artefacts .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
