.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' && touch $@

install: .venv/.ready ## Make .venv with everything that is needed here

demo: install ## See the SDK at work against the emulator
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/spot_fleet.py

test: install ## Run the tests
	$(BIN)/python -m pytest -n auto

check: check-generated lint types cov ## Run what CI runs, but for the demo and the build

generate: install ## Write generated/ anew from schema/ and queries/
	$(BIN)/python -m tensorone_codegen generate

check-generated: install ## Tell whether generated/ is what schema/ and queries/ say
	$(BIN)/python -m tensorone_codegen check

update-schema: install ## Review a new schema, take it up and regenerate: URL=… or FILE=…
	$(BIN)/python -m tensorone_codegen review $(URL)$(FILE) || [ $$? -lt 4 ]
	$(BIN)/python -m tensorone_codegen pull $(URL)$(FILE) && $(BIN)/python -m tensorone_codegen generate

lint: install ## Check format and style
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: install ## Check types with mypy and pyright
	$(BIN)/mypy && $(BIN)/pyright

cov: install ## Run the tests with branch coverage
	$(BIN)/coverage run -m pytest -n auto && $(BIN)/coverage combine --quiet && $(BIN)/coverage report

soak: install ## Run ten times 1,000 operations under faults, and the naive control
	$(BIN)/python tests/soak.py --operations 1000 --seeds 10 && ! $(BIN)/python tests/soak.py --operations 1000 --client naive

bench: benchmarks/.peers/.ready ## Measure this SDK and its peers against the same loopback server; six minutes
	benchmarks/.venv/bin/python benchmarks/run.py

# The peers have an environment of their own, and so has what ariadne-codegen generates by itself.
benchmarks/.peers/.ready: queries/clusters.graphql schema/schema.graphql
	$(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fast]' 'gql[aiohttp,httpx]' 'ariadne-codegen==0.19.*'
	mkdir -p benchmarks/.peers/queries && cp queries/clusters.graphql benchmarks/.peers/queries/
	cp benchmarks/stock.toml benchmarks/.peers/pyproject.toml && cd benchmarks/.peers && ../.venv/bin/ariadne-codegen
	touch $@

bench-spot: install ## Print how often spot fleets run and for how much, in simulated markets
	$(BIN)/python benchmarks/spot.py

dist: install ## Build the wheel and the source archive
	$(BIN)/python -m build --quiet

clean: ## Remove what was made here
	rm -rf .venv benchmarks/.venv benchmarks/.peers .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

.PHONY: help install demo test check generate check-generated update-schema lint types cov soak dist clean
