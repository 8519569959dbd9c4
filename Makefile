# make demo    grade half of the samples, on shapes that the grader draws; needs no Docker
# make test    the tests; those that need a Docker Engine are skipped where none answers
# make test-hostile   grade submissions that attack the grader, the machine or each other
# make test-faults    kill, stop and starve a running grader, and look at what it leaves
# make validate   wrong and right work that the grader must tell apart; needs a Docker Engine
# make test-all   the four above, which is all that CI tests
# make lint    ruff and mypy
# make bench   how fast it is: ratios to bare python, other autograders beside it, what watching costs
# make gpu-check   on a GPU, in eight minutes: what no CPU can show; DATA=cifar10.zip trains the reference, too
# make docs    the site of the docs, in docs/_build; a link that leads nowhere is an error
# make image   build the worker's image for `grader run`; needs a Docker Engine

PYTHON ?= python3
VENV := .venv
# As many processes as there are cores, but each takes a gigabyte of memory.
PARALLEL := -n logical --maxprocesses 4
SETUP := $(VENV)/.done

# One after the other, also with -j: each uses the whole machine.
.NOTPARALLEL:
.PHONY: setup demo test test-hostile test-faults test-all validate lint bench gpu-check image docs

setup: $(SETUP)

$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -c constraints.txt -e '.[torch,homework,ray,dev,docs]'
	touch $@

demo: $(SETUP)
	$(VENV)/bin/python scripts/demo.py

test: $(SETUP)
	$(VENV)/bin/pytest $(PARALLEL) --ignore tests/hostile --ignore tests/faults

# Tests that need or measure the whole machine run alone, after the others.
test-hostile: $(SETUP)
	$(VENV)/bin/pytest $(PARALLEL) -m 'not alone' tests/hostile
	$(VENV)/bin/pytest -m alone tests/hostile

test-faults: $(SETUP)
	$(VENV)/bin/pytest $(PARALLEL) -m 'not alone' tests/faults
	$(VENV)/bin/pytest -m alone tests/faults

validate: $(SETUP)
	$(VENV)/bin/grader validate

test-all: test validate test-hostile test-faults

lint: $(SETUP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

bench: $(SETUP)
	$(VENV)/bin/python -m benchmarks.peers.installing
	$(VENV)/bin/python -m benchmarks
	$(VENV)/bin/python -m benchmarks.observation

gpu-check: $(SETUP)
	$(VENV)/bin/python -m benchmarks.gpu_check $(if $(DATA),--data $(DATA))

docs: $(SETUP)
	$(VENV)/bin/python docs/commands.py
	$(VENV)/bin/python -m sphinx -W --keep-going -b html docs docs/_build

image: $(SETUP)
	$(VENV)/bin/grader image build
