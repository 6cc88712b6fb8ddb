# Every target creates what it needs: a virtual environment with an editable install and the versions of constraints.txt.
.PHONY: install demo test exact docs fuzz attack bench growth lint clean
.DEFAULT_GOAL := install

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed
# One thread each: a busy neighbour makes two threads slower than one, and parallel work is processes.
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found on the path"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(INSTALLED)

install: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/allotment run experiments/quickstart

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Every value that a world states as known, computed again: three minutes. FILL=--fill writes what is exact into the files.
exact: $(INSTALLED)
	$(BIN)/python tests/exact/known_values.py $(FILL)

docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

fuzz: $(INSTALLED)
	PYTHONPATH=tests:tests/finance $(BIN)/python tests/engine/fuzz.py $(WORLDS)

# Thousands of bad inputs, then programs killed at random moments; SEED, INPUTS, FIRST, ONLY and KILLS say which and how many.
attack: export PYTHONPATH = tests:tests/allocation:tests/finance:tests/fitting:tests/planning:tests/serve:tests/security
attack: $(INSTALLED)
	$(BIN)/python tests/security/attack.py --inputs $(or $(INPUTS),2000) --seed $(or $(SEED),0) --first $(or $(FIRST),0) --only $(ONLY)
	$(BIN)/python tests/security/kill_train.py $(or $(KILLS),60) $(or $(SEED),0)
	$(BIN)/python tests/security/kill_runs.py $(or $(KILLS),40) $(or $(SEED),0)
	$(BIN)/python tests/security/kill_serve.py --count $(or $(KILLS),20) --seed $(or $(SEED),0)

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

growth: $(INSTALLED)
	$(BIN)/python -m benchmarks.growth

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf .venv runs build dist site
