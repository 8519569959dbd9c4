# make demo    grade the samples on the handwritten digits; needs no Docker
# make test    the tests; those that need a Docker Engine are skipped where none answers
# make test-hostile   submissions that attack the grader, and what becomes of them
# make test-faults    a grader that is killed, stopped and starved, and what it leaves
# make validate   wrong and right work that the grader must tell apart; needs a Docker Engine
# make lint    ruff and mypy
# make bench   how fast it is: ratios to bare python, other autograders beside it, what watching costs
# make docs    the site of the docs, in docs/_build; a link that leads nowhere is an error
# make image   build the worker's image for `grader run`; needs a Docker Engine

PYTHON ?= python3
VENV := .venv
SETUP := $(VENV)/.done

.PHONY: setup demo test test-hostile test-faults validate lint bench image docs

setup: $(SETUP)

$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -c constraints.txt -e '.[torch,homework,dev,docs]'
	touch $@

demo: $(SETUP)
	$(VENV)/bin/grader run submissions --sandbox process --out results

test: $(SETUP)
	$(VENV)/bin/pytest --ignore tests/hostile --ignore tests/faults

test-hostile: $(SETUP)
	$(VENV)/bin/pytest tests/hostile

test-faults: $(SETUP)
	$(VENV)/bin/pytest tests/faults

validate: $(SETUP)
	$(VENV)/bin/grader validate

lint: $(SETUP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

bench: $(SETUP)
	$(VENV)/bin/python -m benchmarks.peers.installing
	$(VENV)/bin/python -m benchmarks
	$(VENV)/bin/python -m benchmarks.observation

docs: $(SETUP)
	$(VENV)/bin/python docs/commands.py
	$(VENV)/bin/python -m sphinx -W --keep-going -b html docs docs/_build

image: $(SETUP)
	$(VENV)/bin/grader image build
