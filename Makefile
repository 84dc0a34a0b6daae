# `make run` (the web app), `make ask` (a question in the terminal) and `make test` set up all they need in .venv.

PYTHON ?= python3
BIN := .venv/bin
SAMPLES := assets/samples/lease.pdf assets/samples/annex.docx assets/samples/shop.zip
Q ?= What is the notice period?

.PHONY: run ask test check torture samples clean

.venv/.run: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "LongDoc needs Python 3.11 or later."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Install Python's venv module first (Debian: apt-get install python3-venv)."; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: .venv/.run
	$(BIN)/longdoc serve

ask: .venv/.run
	$(BIN)/longdoc ask $(SAMPLES) -q "$(Q)" --mode both

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest -m "not torture"

torture: .venv/.dev
	$(BIN)/python -m pytest -m torture --timeout 3600

samples: .venv/.dev
	$(BIN)/python -m assets.make_samples

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache *.egg-info
