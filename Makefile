# For GNU make 3.81 and later. `make` alone lists the targets.
#
# The targets that render are phony, and none is named after an output or a manifest: make deletes
# a target when it is interrupted, and takes an old file for one that is up to date.
# They `exec` the program, so that a Ctrl-C or SIGTERM meets it, once, with no shell in between.

PYTHON ?= python3
WORKERS ?= 4
SEEDS ?= 20
SLICE ?= 1/1
JOB ?=
ARGS ?=

PY := .venv/bin/python
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist worksteal
# The marks of tests that have a target of their own.
APART := slow or browser or cloud or ray
export PYTHON WORKERS JOB
# What these name would come before the locked versions.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test coverage test-variants test-cloud test-ray test-sdks check format render overnight calendar plan status \
	settle audit report open sandbox chaos kill-matrix simulate soak bench bench-quick bench-page browser-test test-all-pythons lock changelog clean \
	job-given

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "JOB=jobs/x.yaml names the job; ARGS='--limit 3' is passed on to the program."
	@echo "PYTHON=python3.13 names the Python that .venv is made with."

##@ Try it

demo: .venv/.installed-run ## Render jobs/demo.yaml against a simulated API: no key, no cost
	@exec $(PY) scripts/demo.py $(ARGS)

sandbox: .venv/.installed-run ## Serve the simulated API until Ctrl-C
	@exec $(PY) -m pipeline sandbox $(ARGS)

##@ Render for real (costs credits; the key is in SEGMIND_API_KEY or .env)

plan: job-given .venv/.installed-run ## What a run of JOB would render, and what it would cost
	@exec $(PY) -m pipeline check "$$JOB" $(ARGS)

render: job-given .venv/.installed-run ## Render JOB, or continue where it stopped
	@exec $(PY) scripts/render.py "$$JOB" $(ARGS)

overnight: job-given .venv/.installed-notify ## The same, waiting for credits; the window is the job's
	@exec $(PY) scripts/render.py "$$JOB" $(ARGS) --wait-for-credits

calendar: .venv/.installed-run ## Render jobs/calendar.yaml, the month in jobs/calendar.csv
	@exec $(PY) scripts/render.py jobs/calendar.yaml $(ARGS)

status: job-given .venv/.installed-run ## Where JOB stands, also while it runs
	@exec $(PY) -m pipeline status "$$JOB" $(ARGS)

settle: job-given .venv/.installed-run ## Ask the provider what became of what is in doubt in JOB
	@exec $(PY) -m pipeline settle "$$JOB" $(ARGS)

audit: job-given .venv/.installed-run ## Compare the records of JOB with what the provider has charged
	@exec $(PY) -m pipeline audit "$$JOB" $(ARGS)

report: job-given .venv/.installed-run ## Write report.html beside the clips of JOB
	@exec $(PY) -m pipeline report "$$JOB" $(ARGS)

open: job-given .venv/.installed-run ## Show the report of JOB in the browser
	@exec $(PY) scripts/open_report.py "$$JOB"

##@ Work on it

test: .venv/.installed-dev ## The tests, but slow ones and the browser's
	@$(PYTEST) -m "not ($(APART) or variant)" --transitions $(ARGS)

coverage: .venv/.installed-dev ## The same tests, measured: branch coverage ≥ 95 %
	@$(PYTEST) -m "not ($(APART) or variant)" --cov=pipeline --cov=sandbox --cov-branch --cov-fail-under=95 --transitions $(ARGS)

test-variants: .venv/.installed-dev ## The variants of tests, many minutes; SLICE=2/4 plays a quarter of them
	@$(PYTEST) -m "variant and not ($(APART))" --slice "$(SLICE)" $(ARGS)

test-cloud: .venv/.installed-dev ## Outputs in a bucket, with moto's server
	@$(PYTEST) -m "cloud and not slow" tests/cloud $(ARGS)

check: .venv/.installed-dev ## Lint, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m mypy scripts

format: .venv/.installed-dev ## Format, and fix what the linter can
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

browser-test: .venv/.installed-dev tests/browser/node_modules/.installed ## The page in Chromium and Firefox; the command against aimock
	@$(PY) -m pytest -m browser tests/browser $(ARGS)

test-ray: .venv/.installed-ray ## A Ray cluster on this machine whose parts are killed, some minutes
	@$(PY) -m pytest -m ray tests/cluster $(ARGS)

test-sdks: .venv/.installed-sdks ## The SDKs of other vendors against the sandbox
	@$(PYTEST) tests/sandbox/test_vendor_sdks.py $(ARGS)

chaos: .venv/.installed-dev ## Faults, restarts and kill -9, at random and at points, SEEDS=20
	@CHAOS_SEEDS=$(SEEDS) $(PYTEST) -m slow -k "chaos or account" tests/chaos tests $(ARGS)

kill-matrix: .venv/.installed-dev ## kill -9 at each point at each vendor, a quarter of an hour; SLICE=2/10 plays a tenth
	@$(PYTEST) -m slow tests/matrix --slice "$(SLICE)" $(ARGS)

simulate: .venv/.installed-dev ## A million tasks on virtual time: makespan, requests, doubts, books; CPU and memory
	@exec env PYTHONPATH=tests $(PY) -m simulation $(ARGS)

soak: ## Half an hour at 200 in flight: memory, files and CPU stay flat
	@exec bash bench/soak $(ARGS)

bench: ## Speed and size beside the peers, which get a .venv-bench of their own
	@exec bash bench/run $(ARGS)

bench-quick: ## The same in under two minutes
	@exec bash bench/run --quick $(ARGS)

bench-page: .venv/.installed-dev tests/browser/node_modules/.installed ## The page over 1,500 clips, and the server beside a run
	@$(PY) -m bench.page $(ARGS)
	@$(PY) -m bench.view

test-all-pythons: ## The tests on each Python from 3.11 to 3.14 that is here
	@scripts/test-pythons $(ARGS)

##@ House-keeping

lock: ## Lock the versions again (needs uv); ARGS=--upgrade takes newer ones
	@scripts/lock $(ARGS)

changelog: .venv/.installed-dev ## Move the fragments of changelog.d/ into CHANGELOG.md
	@$(PY) -m towncrier build --yes --version next

clean: ## Remove what make made, .venv too; renders, manifests and .env stay
	rm -rf .venv .venv-bench .venv-bench-run .make .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	rm -rf tests/browser/node_modules
	rm -f .coverage .coverage.*
	find pipeline sandbox tests scripts bench -name __pycache__ -prune -exec rm -rf {} +

# scripts/venv sets up only what changed, and sees more of that than make does.

FORCE:
.venv/.installed-%: FORCE
	@scripts/venv $*

tests/browser/node_modules/.installed: tests/browser/package.json tests/browser/package-lock.json
	@tests/browser/setup
	@touch $@

job-given:
	@if [ -z "$$JOB" ]; then \
	  echo "Which job? For example: make $(firstword $(MAKECMDGOALS)) JOB=jobs/demo.yaml" >&2; \
	  exit 2; \
	fi
