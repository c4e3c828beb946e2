# Everything a person needs to do with this repository, each by one word.
# pip is configured by the environment (PIP_* variables, pip.conf); nothing here names an index.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
AGAINST ?=

# Hundreds of processes are started here that would each compile what they import.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help: ## Say what can be made
	@echo "make TARGET, where TARGET is one of"
	@sed -nE 's/^([a-z]+):.*## (.*)$$/  \1|\2/p' $(MAKEFILE_LIST) \
		| while IFS='|' read -r name text; do printf '  %-8s %s\n' "$$name" "$$text"; done
	@echo "More options: make test ARGS='tests/unit -k split', make bench ARGS=--quick"
	@echo "Is this slower than a commit? make bench AGAINST=HEAD~1 ARGS='--cases canary'"

.PHONY: venv
venv: $(VENV)/.installed-dev ## Set up .venv with everything that tests and checks need

.PHONY: demo
demo: $(VENV)/.installed ## Start the shop, two services and the gateway; Ctrl-C stops all of it
	@$(BIN)/strangler demo $(ARGS)

.PHONY: tour
tour: $(VENV)/.installed ## Play the migration without a person, under load, and count what went wrong
	@$(BIN)/strangler demo --tour $(ARGS)

# Whole files are handed out, those that take longest first: see tests/conftest.py.
PYTEST := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: test
test: $(VENV)/.installed-dev ## Run the tests, in parallel: a quarter of an hour on two cores
	@$(PYTEST) --durations 20 $(ARGS)

.PHONY: quick
quick: $(VENV)/.installed-dev ## Run what needs no server: unit tests, properties, contracts; a minute
	@$(BIN)/lint-imports --no-logo
	@$(PYTEST) tests/unit tests/property $(ARGS)

.PHONY: lint
lint: $(VENV)/.installed-dev ## Check style, layout, types and the contracts between packages
	@failed=; \
	for check in "ruff check --quiet ." "ruff format --check --quiet ." mypy "lint-imports --no-logo"; do \
		echo "$$check"; \
		$(BIN)/$$check || failed=yes; \
	done; \
	test -z "$$failed"

.PHONY: bench
bench: $(VENV)/.installed-dev $(if $(AGAINST),,$(VENV)/.installed-bench) ## Measure gateway and relay beside their peers, or AGAINST=COMMIT
ifdef AGAINST
	@$(BIN)/python -m bench.against '$(AGAINST)' $(ARGS)
else
	@$(BIN)/python -m bench $(ARGS)
	@$(BIN)/python -m bench.relay $(ARGS)
endif

.PHONY: soak
soak: $(VENV)/.installed-dev ## Run the long matrix that `make test` samples
	@echo "The tests marked 'soak' and the matrices of those marked 'sampled': long, and from seeds"
	@echo "of their own. What fails says how it is drawn again."
	@$(PYTEST) -m 'soak or sampled' --durations 20 $(ARGS)

.PHONY: clean
clean: ## Remove .venv, caches and what the demo left; routes.yaml and its store stay
	rm -rf $(VENV) .demo .bench build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis .pytest_cache
	rm -f cdc/loops/compiled.c cdc/loops/compiled.*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of dependencies: a second run has nothing to do, and installs again
# only when what is installed has changed: the dependencies, or what is compiled.
INSTALLS := pyproject.toml setup.py cdc/loops/compiled.pyx

$(BIN)/python:
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$("$$python" --version)"; \
		"$$python" -m venv $(VENV) && exit 0; \
		rm -rf $(VENV); \
		echo "$$python cannot make a virtual environment; on Debian and Ubuntu its package is" \
			"python3-venv." >&2; \
		exit 1; \
	done; \
	echo "No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/.installed: $(INSTALLS) | $(BIN)/python
	@echo "Installing strangler into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-%: $(INSTALLS) | $(BIN)/python
	@echo "Installing strangler and what '$*' needs into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$*]'
	@touch $@ $(VENV)/.installed
