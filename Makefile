# Everything a newcomer types. The first command of each kind sets up .venv; the next ones find it there.

PYTHON ?= python3

# Dozens of processes are started: each would compile everything again where the environment forbids to keep bytecode.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench bench-full bench-compare fuzz simulate faults faults-planted constraints ready ready-to-test ready-to-check ready-to-fuzz ready-to-bench

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ready  ## Watch two markets at work; HOMES=file.csv and FOOD=file.csv take real stock
	@.venv/bin/python -m intentron.demo $${HOMES:+--homes "$$HOMES"} $${FOOD:+--food "$$FOOD"}

test: ready-to-test  ## Run all tests; ARGS="-k receipt" picks some
	@.venv/bin/python -m pytest -n auto --dist worksteal $(ARGS)

check: ready-to-check  ## Check format, lint, types and layers
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

format: ready-to-check  ## Format the code and mend what can be mended safely
	@.venv/bin/ruff check --fix --exit-zero --silent
	@.venv/bin/ruff format

bench: ready  ## Measure the router in five minutes, and say what got slower; ARGS="accept link" picks some
	@.venv/bin/python -m benchmarks $(ARGS)

bench-full: ready-to-bench  ## Measure all of it, with NATS, RabbitMQ, Mosquitto and Nostr beside it; writes docs/performance.md
	@.venv/bin/python -m benchmarks --full $(ARGS)

bench-compare: ready  ## Compare two results; OLD= and NEW= name other files than the last ones
	@.venv/bin/python -m benchmarks.compare $(or $(OLD),benchmarks/results/latest.json) $(or $(NEW),benchmarks/results/last.json)

fuzz: ready-to-fuzz  ## Look for inputs that a parser cannot take; FUZZ_SECONDS=600 looks longer
	@.venv/bin/python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),60)

simulate: ready-to-test  ## Run worlds in which things go wrong; SEEDS=5000 runs more, FIRST=7 SEEDS=1 one of them
	@.venv/bin/python -m tests.simulation --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0) $(ARGS)

faults: ready-to-test  ## Do everything that can go wrong, in 20 minutes; KILLS=, CUTS= and SEEDS= say how often
	@.venv/bin/python -m tests.faults --kills $(or $(KILLS),200) --cuts $(or $(CUTS),1000) --seeds $(or $(SEEDS),1000) $(ARGS)

faults-planted: ready-to-test  ## See whether the checker catches every planted bug
	@.venv/bin/python -m tests.faults --planted

constraints: ready  ## Pin the newest versions that fit together in constraints.txt
	@.venv/bin/python setup/constraints.py

ready:
	@$(PYTHON) setup/environment.py

ready-to-test:
	@$(PYTHON) setup/environment.py test

ready-to-check:
	@$(PYTHON) setup/environment.py test check

ready-to-fuzz:
	@$(PYTHON) setup/environment.py test fuzz

ready-to-bench:
	@$(PYTHON) setup/environment.py bench
