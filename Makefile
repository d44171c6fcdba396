# Every habit is a target; `make help` lists them. Only Python >= 3.11 with pip is needed: `make setup` brings the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH := $(VENV)/bench
BENCHMARK = $(BENCH)/bin/python -m tests.bench --stock $(BENCH)/stock

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@$(PYTHON) -c 'import re, sys; [print(f"  {target:12} {told}") for target, told in re.findall("^([a-z-]+):.*## (.*)", sys.stdin.read(), re.M)]' < $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(STAMP) ## Create .venv with the package (editable) and its tools

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: quickstart
quickstart: $(STAMP) ## See the whole life of an encounter over HTTP
	@$(BIN)/python examples/quickstart.py

.PHONY: test
test: $(STAMP) ## Run the whole test suite
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

.PHONY: thorough
thorough: $(STAMP) ## Run the long tests, and try every property on many more examples
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m "long or hypothesis" --hypothesis-profile many

.PHONY: faults
faults: $(STAMP) ## Meet every fault and attack of docs/reliability.md, and print the table
	$(BIN)/python -m tests.faults

RECORDED := build/recordings
STORIES := life-of-an-encounter inpatient-admission telehealth-visit

.PHONY: record
record: $(STAMP) ## Tell stories to the sandbox of the service (needs a clk_test_ key), and record what it says
	@$(BIN)/python -m clinik_client.testing record clinik_client/testing/recordings $(STORIES:%=--story %) --to $(RECORDED)

.PHONY: conformance
conformance: $(STAMP) ## Hold the API's documentation against the sandbox, or with a test key against the real service
	@$(BIN)/python -m tests.conformance

.PHONY: check
check: $(STAMP) ## Lint, types, the OpenAPI document, and whether the generated code is up to date
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/mypy
	$(BIN)/python -m pip check
	$(BIN)/python -m pytest --quiet tests/test_project.py
	$(BIN)/openapi-spec-validator openapi/clinik.yaml
	$(BIN)/python -m generator.lint openapi/clinik.yaml --for clinik
	$(BIN)/python -m generator --check
	$(BIN)/python -m generator.interface

.PHONY: interface
interface: $(STAMP) ## Write down the public interface of the version that is released now
	$(BIN)/python -m generator.interface --release

.PHONY: lint-spec
lint-spec: $(STAMP) ## Name what the generator would lose of openapi/clinik.yaml, and breaches of the house rules
	@$(BIN)/python -m generator.lint openapi/clinik.yaml --for clinik

.PHONY: generate
generate: $(STAMP) ## Generate clinik_client/_generated from openapi/clinik.yaml
	@$(BIN)/python -m generator

.PHONY: published
published: $(STAMP) ## Read the examples that FHIR publishes (needs npm and a network)
	$(BIN)/python -m pytest -m network

.PHONY: browser
browser: $(STAMP) ## Look at the sandbox's page in a browser (needs chromium and chromedriver)
	$(BIN)/python -m pytest -m browser

.PHONY: bench
bench: $(BENCH)/.installed ## What the SDK costs, as ratios against peers in one run; writes docs/performance.md
	$(BENCHMARK)

.PHONY: bench-check
bench-check: $(BENCH)/.installed ## Fail where such a ratio is worse than wanted
	$(BENCHMARK) --check

$(BENCH)/.installed: $(STAMP) tests/bench/requirements.lock openapi/clinik.yaml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/bench/requirements.lock
	PATH=$(abspath $(BIN)):$$PATH openapi-python-client generate --path openapi/clinik.yaml --output-path $(BENCH)/stock --meta none --overwrite
	@touch $@

.PHONY: mutants
mutants: $(STAMP) ## Change the SDK in one place at a time, and name the changes that no test notices
	$(BIN)/python -m tests.mutants

.PHONY: format
format: $(STAMP) ## Format the handwritten code
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

.PHONY: lock
lock: $(STAMP) ## Pin the newest allowed versions of all tools in requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group bench --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --upgrade --output-file tests/bench/requirements.lock

.PHONY: clean
clean: ## Remove .venv, caches and build results
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
