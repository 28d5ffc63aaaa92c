# Everything runs in .venv, which is made on first use with the pinned versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow lint types bench docs format setup clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

demo: $(READY)
	$(RUN)/python -m fathom.cli.demo

lint: $(READY)
	$(RUN)/ruff format --check src tests benchmarks
	$(RUN)/ruff check src tests benchmarks
	$(RUN)/lint-imports --no-cache

types: $(READY)
	$(RUN)/pyright --pythonpath $(RUN)/python

test: lint types
	$(RUN)/python -m pytest -q -n 2

test-slow: $(READY)
	$(RUN)/python -m pytest -q -m slow

format: $(READY)
	$(RUN)/ruff format src tests benchmarks
	$(RUN)/ruff check --fix src tests benchmarks

bench: $(READY)
	$(RUN)/python -m benchmarks.tables.run

docs: $(READY)
	$(RUN)/zensical build

clean:
	rm -rf $(VENV) build dist site
