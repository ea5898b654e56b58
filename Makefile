# Two commands matter: `make verify` judges the reference gateway, `make test` runs the tests. Both set up all they need.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.9
UV_DIR := .tools/uv
UV := $(UV_DIR)/bin/uv
UV_HERE := $(UV_DIR)/.version-$(UV_VERSION)
RUN := $(UV) run --frozen
ARGS ?=
PROFILE ?=
CASES ?= 1500

.PHONY: help setup verify verify-long test lint types imports unit wire contract containers k8s-check bench clean

help: ## Show what there is to make
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /  make \1\t/' | expand -t 20

# `--target` needs no root, no venv module and no permission of a system Python that is managed by somebody else.
$(UV_HERE):
	@echo "putting uv $(UV_VERSION) into $(UV_DIR)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'error[python-too-old]: Python 3.11 or newer is needed; name one with PYTHON=...'; exit 2; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo 'error[pip-missing]: $(PYTHON) has no pip; install it (python3-pip), or put uv $(UV_VERSION) at $(UV)'; exit 3; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade --target $(UV_DIR) uv==$(UV_VERSION)
	@touch $@

setup: $(UV_HERE) ## Set up the environment from the lock file
	@$(UV) sync --frozen --quiet

# All are told, whatever comes of the first.
verify: setup ## Judge the reference gateway, or of it what a claim holds with PROFILE=core; reports in out/
	@worst=0; $(RUN) gatespec verify $(if $(PROFILE),--claim $(PROFILE)) $(ARGS) || worst=$$?; \
	$(RUN) gatespec contract verify --cases $(CASES) || worst=$$?; \
	$(if $(PROFILE)$(ARGS),,$(RUN) gatespec drill redis_gone vault_gone || worst=$$?;) exit $$worst

verify-long: ## Judge the reference gateway, and draw at least 10,000 cases from its contract
	@$(MAKE) --no-print-directory verify CASES=10000

test: setup lint types imports unit wire contract containers ## Lint, types, import rules, tests with the mutants, a share of the wire tier, the contract, containers

lint: setup
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .

types: setup
	@$(RUN) mypy
	@$(RUN) mypy properties tests benchmarks k8s

imports: setup
	@$(RUN) lint-imports

unit: setup
	@$(RUN) pytest -n 2 --dist loadfile $(ARGS)

wire: setup
	@$(RUN) gatespec verify --tier wire --examples 5 --out out/wire

contract: setup
	@$(RUN) pytest contract_tests --gatespec-out out/contract

# Where Docker cannot be had it is not run, and says so last of all: that is no pass.
containers: setup ## The stack of docker-compose.yml, and a share of the judgement in containers
	@docker/with-daemon.sh docker/share.sh || { code=$$?; [ $$code = 75 ] || exit $$code; \
	  echo 'containers: NOT RUN, and so not passed; the lines above say why'; }

bench: setup ## Measure ratios against baselines in one run
	@$(RUN) python -m benchmarks $(ARGS)

k8s-check: setup ## Ask a real Kubernetes API server for its word on the manifests; needs etcd, and Go the first time
	@$(RUN) python -m k8s.check

clean: ## Remove what was made; fetched packages stay in uv's cache
	@rm -rf out .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
