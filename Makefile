# Everything is installed into five environments of this folder, each from its own lock:
#   .venv           the service, its command line and its tests
#   .venv-emulator  the AWS emulator, which pins a botocore of its own
#   .venv-sam       cfn-lint and the SAM command line, which pin another
#   .venv-plots     draws the plot of `make soak`, and is installed for that alone
#   .venv-cross     compiles the loops in C for Lambda, and is installed for packaging alone
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first Python that really runs and is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
BIN := .venv/bin
SERVICE := .venv/.installed
EMULATOR := .venv-emulator/.installed
SAM := .venv-sam/.installed
PLOTS := .venv-plots/.installed
CROSS := .venv-cross/.installed
# The loops in C for this machine. NATIVE=no makes none, here or for what is packaged; `make clean` removes them.
LOOPS := functions/shared/native/_loops.abi3.so
NATIVE ?= yes
COMPILED := $(if $(filter no,$(NATIVE)),,$(LOOPS))
ARCHITECTURE ?= arm64
DATA ?=
BODIES ?=
SEED ?=
MINUTES ?= 10
export SAM_CLI_TELEMETRY := 0

.PHONY: help setup up down status demo test unit contract integration e2e lint check bench soak fuzz load-test build \
	artifacts lock clean distclean

help: ## what can be made (this list)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(SERVICE) $(COMPILED) $(EMULATOR) $(SAM) ## install everything into this folder

up: $(SERVICE) $(COMPILED) $(EMULATOR) ## start the stack on this machine, or bring it up to date
	@$(BIN)/python -m infra.local up

down: $(SERVICE) ## stop the stack; its tables are kept
	@$(BIN)/python -m infra.local down

status: $(SERVICE) ## what runs, what waits, what is stored
	@$(BIN)/python -m infra.local status

demo: $(SERVICE) $(COMPILED) $(EMULATOR) ## run the main job on samples and a city; DATA=folder adds a real log
	@$(BIN)/lienthong demo $(if $(DATA),--data "$(DATA)")

test: unit contract integration e2e ## all tests

unit contract: $(SERVICE) $(COMPILED) ## tests without sockets, on every core
integration: $(SERVICE) $(COMPILED) ## tests on an AWS double in the process, on every core
unit contract integration:
	@echo "tests/$@"
	@$(BIN)/pytest -q -n auto --dist loadfile "tests/$@"

e2e: $(SERVICE) $(COMPILED) $(EMULATOR) ## tests on an emulator of their own, with IAM enforced
	@echo "tests/$@"
	@$(BIN)/pytest -q "tests/$@"

lint: $(SERVICE) $(SAM) ## style, types, layers, template, generated contracts
	@echo "ruff" && $(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@echo "mypy" && $(BIN)/mypy --no-error-summary
	@echo "import-linter" && { report=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$report"; exit 1; }; }
	@echo "schemas" && $(BIN)/python -m schemas.generate --check
	@echo "cfn-lint" && .venv-sam/bin/cfn-lint template.yaml

check: lint test ## lint and test

fuzz: $(SERVICE) $(COMPILED) ## any bodies through the functions (BODIES=, SEED=)
	@$(BIN)/python -m tests.fuzz $(if $(BODIES),--bodies $(BODIES)) $(if $(SEED),--seed $(SEED))

bench: $(SERVICE) $(COMPILED) $(EMULATOR) ## measure the pipeline beside an idiomatic handler and hold it to its goals
	@$(BIN)/python -m tests.bench

soak: $(SERVICE) $(COMPILED) $(EMULATOR) $(PLOTS) ## mixed load with faults on an emulator of its own; MINUTES=10
	@$(BIN)/python -m tests.bench.soak --minutes $(MINUTES) --plots .venv-plots/bin/python

N ?= 1000000
load-test: $(SERVICE) $(COMPILED) $(EMULATOR) ## load a file of N cards, kill workers, prove that all is there; N=1000000
	@$(BIN)/python -m tests.bench.load --cards $(N)

# The Python of the Lambda runtime, if this machine has it: it makes the artifacts' byte code.
RUNTIME := 3.13
RUNTIME_PYTHON ?= $(shell for name in python$(RUNTIME) "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$(RUNTIME).*/bin/python$(RUNTIME); do \
	"$$name" -c 'import sys; print(sys.executable)' 2>/dev/null && break; done)

build: $(SAM) $(if $(COMPILED),$(CROSS)) ## package the functions for AWS (ARCHITECTURE=arm64 or x86_64)
	@ARCHITECTURE=$(ARCHITECTURE) NATIVE=$(NATIVE) COMPILER="$(RUNTIME_PYTHON)" .venv-sam/bin/sam build --parameter-overrides Architecture=$(ARCHITECTURE)

# A machine that has the runtime's Python tries that; another one tries its own, with wheels for it. The
# loops in C are compiled for both processors: what is deployed is not always what can be tried here.
artifacts: $(SERVICE) $(SAM) $(if $(COMPILED),$(CROSS)) ## package for this machine and try every function alone on a sample
	@runtime=$(RUNTIME); python="$(RUNTIME_PYTHON)"; \
	if [ -z "$$python" ]; then \
	    python=$(CURDIR)/$(BIN)/python; runtime=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    echo "There is no Python $(RUNTIME) here: the artifacts are built for and tried with $$runtime."; fi; \
	case $$(uname -m) in aarch64|arm64) machine=arm64;; *) machine=x86_64;; esac; \
	$(if $(COMPILED),for each in arm64 x86_64; do $(MAKE) -f infra/build/Makefile loops ARCHITECTURE=$$each; done;) \
	log=$$(.venv-sam/bin/sam validate --lint --region ap-southeast-1 2>&1) || { echo "$$log"; exit 1; }; \
	rm -rf .aws-sam/tried; \
	log=$$(ARCHITECTURE=$$machine RUNTIME=$$runtime NATIVE=$(NATIVE) COMPILER=$$python .venv-sam/bin/sam build --build-dir .aws-sam/tried \
	    --parameter-overrides Architecture=$$machine 2>&1) || { echo "$$log"; exit 1; }; \
	$(BIN)/python -m infra.build.artifacts .aws-sam/tried "$$python" $(if $(COMPILED),compiled,plain)

clean: ## stop the stack, forget its tables, remove what was built
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m infra.local down; fi
	rm -rf $(LOOPS) .local .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## also remove the environments
	rm -rf .venv .venv-emulator .venv-sam .venv-plots .venv-cross *.egg-info

# ------------------------------------------------------------------ environments
# A lock names every package with its hash, so pip has nothing to resolve.
define install
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found. Install it, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@echo "Installing $(2) into $(1)."
	@"$(PYTHON)" -m venv --clear "$(1)" || { echo "$(PYTHON) cannot make environments: install its venv module (on Debian: apt install python3-venv)." >&2; exit 1; }
	@"$(1)/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r "infra/locks/$(3).txt"
endef

$(SERVICE): infra/locks/dev.txt
	$(call install,.venv,the service and its tests,dev)
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(EMULATOR): infra/locks/emulator.txt
	$(call install,.venv-emulator,the AWS emulator,emulator)
	@touch $@

$(SAM): infra/locks/sam.txt
	$(call install,.venv-sam,the template tools,sam)
	@touch $@

$(PLOTS): infra/locks/plots.txt
	$(call install,.venv-plots,what draws plots,plots)
	@touch $@

$(CROSS): infra/locks/cross.txt
	$(call install,.venv-cross,the compiler for Lambda,cross) || { \
	    echo "Without that compiler the functions can be packaged with NATIVE=no: they run the plain loops." >&2; exit 1; }
	@touch $@

# Where there is no compiler it says so, makes nothing, and the loops in Python do the work.
$(LOOPS): $(wildcard functions/shared/native/*.c) infra/build/native.py | $(SERVICE)
	@$(BIN)/python -m infra.build.native here

lock: ## resolve the locks anew from pyproject.toml
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	"$(PYTHON)" -m venv "$$scratch" && "$$scratch/bin/pip" install -qq --disable-pip-version-check uv; \
	compile() { name=$$1; shift; echo "infra/locks/$$name.txt"; "$$scratch/bin/uv" pip compile -q --universal \
	    --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	    "$$@" -o "infra/locks/$$name.txt"; }; \
	compile runtime pyproject.toml; \
	compile api pyproject.toml --extra api; \
	compile dev pyproject.toml --extra api --group dev; \
	compile emulator pyproject.toml --extra api --group emulator; \
	compile sam --no-strip-extras --group sam; \
	compile plots --group plots; \
	compile cross --group cross
