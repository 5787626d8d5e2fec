# Every target makes what it needs first; a fresh machine with Python 3.11+ and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint types docs pages sbom bench drills prove pixel clean package test-oracles test-clients test-spark

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.run ## Make the environment and the command .venv/bin/tillpost

setup-dev: $(VENV)/.dev ## The same, with all that tests and checks need

demo: setup ## Run the main job: a simulated shop through everything, and the page
	$(BIN)/tillpost demo

test: setup-dev ## Lint, types, import rule and all tests
	tools/test.sh

lint: setup-dev ## Style, types, import rule and generated docs
	tools/lint.sh

docs: setup-dev ## Build the site of the docs into site/
	$(BIN)/zensical build --clean --strict
	rm -f site/*.py

pages: setup-dev ## Print again what docs tell from the code
	$(BIN)/cog -r -I . $$(grep -lr --include='*.md' '\[\[\[cog' docs README.md)
	$(BIN)/python -m docs.llms

sbom: setup-dev ## List what an installation is made of, in build/sbom.json (CycloneDX)
	tools/sbom.sh

bench: setup-dev ## Measure; figures and how to read them are in bench/README.md
	$(BIN)/python -m bench

drills: setup-dev ## Kill, starve and cut off the server at length; figures go to docs/reference/reliability.md
	$(BIN)/python -m tests.drills.report
	TILLPOST_FULL=1 $(BIN)/python -m pytest -s tests/drills/test_backlog.py tests/drills/test_order_of_arrival.py

prove: setup-dev ## Show that nothing is lost or doubled, and that broken builds are found out
	$(BIN)/python -m tests.drills.prove

pixel: ## Build the browser script (needs Node; the built file is committed)
	cd src/tillpost/collect/pixel && npm ci --no-audit --no-fund && node build.mjs

package: setup-dev ## Build wheel and sdist, and run the wheel in an empty environment
	tools/package.sh

test-oracles: setup-dev ## Compare our hashes with the platform's own packages, in an environment apart
	tests/oracles/run.sh

test-clients: setup-dev ## Send to the receiver with the platform's own clients (needs Node), in an environment apart
	tests/clients/run.sh

test-spark: setup-dev ## Run the report texts on Spark (needs Java 17), in an environment apart, and compare to the cent
	tests/spark/run.sh

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-oracles .venv-clients .venv-peers .venv-peers-classic .venv-spark .venv-sbom build site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(VENV)/.run: requirements/run.txt pyproject.toml
	PYTHON=$(PYTHON) tools/setup.sh run
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	PYTHON=$(PYTHON) tools/setup.sh dev
	@touch $@ $(VENV)/.run
