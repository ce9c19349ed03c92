# Every target sets up .venv by itself; `make help` lists them.
PYTHON ?= python3
PY := .venv/bin/python
STAMP := .venv/.stamp
# Two at a time: servers and clients wait for each other most of the time. In the order of the files, or those with
# few and long tests would come last, one after the other.
TWO := -n 2 --dist loadfile --no-loadscope-reorder
export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-fast test-all faults bench fuzz contracts schema verify fmt sbom clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; say PYTHON=...")'
	@echo "setting up .venv with the locked dependencies: a minute or so, and 810 MB"
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock \
		|| { echo "Not all packages could be fetched: be online for this once, or set pip up with an index of your own, and say it again"; exit 1; }
	@touch $@

setup: $(STAMP) ## make .venv with the locked dependencies

demo: $(STAMP) ## the pilot-train journey on a stack of its own; ONCE=1 plays it to its end and checks it
	@$(PY) -m corridor demo $(if $(ONCE),--once)

up: $(STAMP) ## Kafka, Postgres and the three services, without the journey; DATA=directory keeps what they hold, TLS=1 speaks to Kafka over TLS
	@$(PY) -m corridor up $(if $(DATA),--data "$(DATA)")

test: $(STAMP) ## the gate: verify, then all tests but the long suites, on real servers
	@$(MAKE) --no-print-directory verify
	@$(PY) -m pytest $(TWO) -m "not long and not docker"

test-fast: $(STAMP) ## only the tests that need no server
	@$(PY) -m pytest -m "not long and not docker and not servers"

test-all: $(STAMP) ## everything: long suites and the Docker path as well
	@$(MAKE) --no-print-directory verify
	@$(PY) -m pytest $(TWO)

bench: $(STAMP) ## throughput and latency, beside what bounds them, in one run; run it alone; COUNT=2000, WINDOW=12, PROBES=5, PARTS=chain
	@$(PY) -m corridor bench $(if $(PARTS),--parts $(PARTS)) $(if $(COUNT),--count $(COUNT)) $(if $(WINDOW),--window $(WINDOW)) $(if $(PROBES),--probes $(PROBES))

fuzz: $(STAMP) ## records mutated from the golden examples, through everything that reads them; COUNT=20000, SEED=, ONLY=number
	@$(PY) -m corridor fuzz $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

faults: $(STAMP) ## kills, cuts, full disks and restores under load, by a seed, and what must hold after; FAULTS=30, SEED=1, SPACING=3
	@$(PY) -m corridor faults --faults $(or $(FAULTS),30) --seed $(or $(SEED),1) --spacing $(or $(SPACING),3)

contracts: $(STAMP) ## regenerate schemas and the AsyncAPI document
	@$(PY) -m corridor contracts generate

schema: $(STAMP) ## write down the tables that the migrations of each service make
	@$(PY) -m corridor schema write

verify: $(STAMP) ## format, lint, strict types (also of the page), import walls, sizes, a report's path, contract gates
	@.venv/bin/ruff format --check -q .
	@.venv/bin/ruff check -q .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --cache-dir .import_linter_cache >.import_linter.log 2>&1 || { cat .import_linter.log; exit 1; }
	@$(PY) -m corridor sizes
	@$(PY) -m corridor path --brief
	@$(PY) -m corridor page
	@$(PY) -m corridor contracts check

fmt: $(STAMP) ## format and mend what can be mended
	@.venv/bin/ruff check --fix -q . ; .venv/bin/ruff format -q .

sbom: $(STAMP) ## what a release is made of: a CycloneDX document and the licences of others, into var/release
	@$(PY) -m corridor sbom

clean: ## remove .venv and what runs have left (not the download cache)
	@rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .deno_cache
