# Every target sets up what it needs in a local .venv, from the locked versions: Python 3.11 or newer and make suffice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RELEASE := build/release
UV_VERSION := 0.13.9
PYTEST_ARGS ?=
# One more than there are cores: many tests wait for a socket or a clock.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# Each is tests that wait much, one after the other: those on genuine nodes, and the other slow ones.
LANE_real := real
LANE_slow := slow and not real
FUZZ_ARGS ?=
CRASHES ?= 500
CLIENTS ?= python,javascript,go,java,rust
MINUTES ?= 30
# Tests are parsed by each of several processes: what they made of a file is kept for the next.
export PYTHONDONTWRITEBYTECODE :=
# Packages whose own tests run every branch.
COVERED ?= destination privileges rules

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast fuzz fuzz-fronts crash clients cover style types bench soak chaos screens bench-peers reference docs lock lock-check licenses sbom audit dist pythons clean

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the locked versions

# Made once, and again whenever the lock or the package metadata changes.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Startgate needs Python 3.11 or newer, and $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## a cluster, the proxy and real data: a start denied, refused, granted (Ctrl-C ends; ONCE=1 ends by itself)
	$(BIN)/startgate demo $(if $(ONCE),--once)

test: $(STAMP) ## every test, with those on real Elasticsearch nodes where a JDK and Maven are at hand
	@# The quick ones on all cores; then two lanes side by side, in each of which one test at a time loads the machine.
	@# What a lane says comes whole when it ends. 5: none was chosen, where PYTEST_ARGS names some.
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not real" $(PYTEST_ARGS) || [ $$? -eq 5 ]
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lane-real lane-slow

lane-%: $(STAMP)
	$(BIN)/python -m pytest -m "$(LANE_$*)" $(PYTEST_ARGS) || [ $$? -eq 5 ]

test-fast: $(STAMP) ## the tests that take no more than a second or two each
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not real" $(PYTEST_ARGS)

fuzz: $(STAMP) ## 200,000 inputs through the proxy to genuine nodes and directly to them (FUZZ_ARGS="--seed 5 --inputs 1000")
	$(BIN)/python -m tests.fuzz run $(FUZZ_ARGS)

fuzz-fronts: $(STAMP) ## 20,000 inputs through each exported front to a genuine node (FUZZ_ARGS="--front nginx")
	$(BIN)/python -m tests.real.fronts_campaign $(FUZZ_ARGS)

crash: $(STAMP) ## kill the gate 500 times at random moments under load (CRASHES=2000), and see that nothing stays open
	STARTGATE_CRASHES=$(CRASHES) $(BIN)/python -m pytest -s tests/faults/test_crashes_under_load.py $(PYTEST_ARGS)

clients: $(STAMP) ## every client by its own package, directly and through: npm, Go, Maven and Cargo (CLIENTS=go,rust)
	CLIENTS=$(CLIENTS) STARTGATE_REQUIRE_REAL=1 $(BIN)/python -m pytest -s tests/clients $(PYTEST_ARGS)

cover: $(STAMP) ## hold the packages in COVERED to 100 % of branches, each from its own tests
	@set -e; for package in $(COVERED); do $(BIN)/python -m pytest -n auto -m "not slow" tests/$$package --cov=proxy/$$package \
		--cov-branch --cov-report=term-missing --cov-fail-under=100 $(PYTEST_ARGS); done

style: $(STAMP) ## lint and format check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy --strict

bench: $(STAMP) ## measure: requests passed beside other proxies, and starts
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	$(BIN)/python -m bench

soak: $(STAMP) ## half an hour of mixed traffic, in which memory and descriptors must stay flat (MINUTES=2)
	$(BIN)/python -m bench.soak --minutes $(MINUTES)

chaos: $(STAMP) ## an hour's mixed traffic while something breaks every few seconds, and what must hold does (MINUTES=10 SEED=7)
	$(BIN)/python -m bench.chaos --minutes $(if $(filter file,$(origin MINUTES)),60,$(MINUTES)) --seed $(or $(SEED),1)

screens: $(STAMP) ## take the pictures of the admin pages in docs/screens, in light and dark (Chromium)
	$(BIN)/python -m tests.browser.screens

bench-peers: ## install the proxies that `make bench` measures beside (Debian, as root)
	apt-get install --yes --no-install-recommends nginx-light haproxy

reference: $(STAMP) ## make the pages, the man page and the completions that come from the code anew
	$(BIN)/python -m tools.reference

docs: $(STAMP) ## build the site of the documents into build/site, with every link checked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict
	$(BIN)/python -m tools.site.check build/site

licenses: $(STAMP) ## hold the licences of everything that ships to the list of those that may
	$(BIN)/python -m tools.release.licenses requirements-run.lock

sbom: $(RELEASE)/.installed ## write dist/startgate-sbom.cdx.json, what an installation consists of (CycloneDX)
	$(BIN)/python -m tools.release.sbom $(RELEASE)/bin/cyclonedx-py requirements-run.lock dist/startgate-sbom.cdx.json

audit: $(RELEASE)/.installed ## ask PyPI for known holes in what ships; fails where it cannot be asked
	$(BIN)/python -m tools.release.audit $(RELEASE)/bin/pip-audit requirements-run.lock

dist: $(STAMP) ## build wheel and sdist twice, and fail where they differ by a byte
	$(BIN)/python -m tools.release.dist dist

# Their own environment: what looks at releases must not change what is looked at.
$(RELEASE)/.installed: $(STAMP) requirements-release.lock
	@test -x $(RELEASE)/bin/python || $(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-release.lock
	@touch $@

lock: $(STAMP) ## choose the newest allowed versions anew and write the requirements*.lock files
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/python -m tools.release.locks $(BIN)/uv --upgrade

lock-check: $(STAMP) ## compile every lock again with what it holds: fails where other bytes come out
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/python -m tools.release.locks $(BIN)/uv

pythons: $(STAMP) ## the quick tests on Python 3.11, 3.13 and the newest of Debian, in roots of their own (as root; SUITES=trixie)
	$(BIN)/python -m tools.pythons $(WORKERS) $(SUITES)

clean: ## remove .venv, caches and builds
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
