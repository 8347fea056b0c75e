"""Fixtures: small projects to generate from."""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tensorone_codegen._package import generate
from tensorone_codegen._project import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
_numbers = itertools.count()


class Project:
    """A project of its own in an empty directory; its package has a name that no other has."""

    def __init__(self, root: Path, schema: str, queries: str, settings: str = "") -> None:
        self.root = root
        self.package = f"sample_{next(_numbers)}_graphql"
        self.table = f'[tool.ariadne-codegen]\ntarget_package_name = "{self.package}"\n'
        self.write("pyproject.toml", f"{self.table}[tool.tensorone-codegen]\n{settings}\n")
        self.write("schema/schema.graphql", schema)
        self.write("queries/queries.graphql", queries)

    def write(self, name: str, text: str) -> None:
        """Writes a file."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    @property
    def target(self) -> Path:
        """Where the package is."""
        return self.root / "generated" / self.package

    def generate(self) -> Project:
        """Generates the package."""
        generate.generate(settings.read(self.root))
        return self

    def check(self) -> list[str]:
        """Compares the package with what would be generated."""
        return generate.check(settings.read(self.root))

    def tree(self) -> dict[str, bytes]:
        """Every file of the project."""
        files = (file for file in self.root.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return {file.relative_to(self.root).as_posix(): file.read_bytes() for file in files}

    def module(self, name: str = "") -> ModuleType:
        """Imports a module of the package, or the package itself."""
        importlib.invalidate_caches()
        return importlib.import_module(f"{self.package}.{name}" if name else self.package)


@pytest.fixture(scope="session")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Project]]:
    """Makes projects."""
    path = list(sys.path)

    def make(schema: str, queries: str, settings: str = "") -> Project:
        project = Project(tmp_path_factory.mktemp("project"), schema, queries, settings)
        sys.path.insert(0, str(project.root / "generated"))
        return project

    yield make
    sys.path[:] = path


class Recorder:
    """An executor that keeps what it is given and answers with what a test has set."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, dict[str, object]]] = []

    async def execute(self, operation: Any, variables: Any) -> Any:
        """Keeps an operation with its variables."""
        self.calls.append((operation, dict(variables)))
        return self.answer


@pytest.fixture
def recorder() -> Recorder:
    """An executor that only keeps what it is given."""
    return Recorder()


SHOP_SCHEMA = """
scalar DateTime
scalar Void
"Where an order is."
enum Status { "On its way." SENT LOST }
"Asked for, never answered."
enum Speed { SLOW FAST }
interface Item { id: ID! }
"A \\"thing\\" to buy."
type Thing implements Item {
  id: ID!
  "What it is called."
  name: String
  token: String
  made: DateTime
  from: String
  status: Status
  parts(first: Int = 10, kinds: [Speed!]): [Part!]!
}
type Part implements Item { id: ID! size: Float owner: Thing }
union Any = Thing | Part
type Query {
  "Reads a thing."
  thing(id: ID!): Thing
  things(from: String, speed: Speed, limit: Int = 3): [Thing!]!
  item(id: ID!): Item
  any: Any
}
input Order {
  name: String!
  from: String
  gpuID: Int
  password: String
  speed: Speed = SLOW
  nested: Order
}
type Mutation { order(input: Order!): Thing  drop(id: ID!): Void }
"""

SHOP_QUERIES = '''
# Reads one thing: "quoted", a \\backslash, """three""".
#
# Costs nothing.
query ReadThing($id: ID!) { thing(id: $id) { ...Thing } }

query ListThings($from: String, $speed: Speed = FAST, $limit: Int) {
  things(from: $from, speed: $speed, limit: $limit) { ...Thing slow: parts(kinds: [SLOW, $speed]) { id } }
}

# Not about it: there is an empty line.

query ReadAny { any { ... on Thing { id token } ... on Part { ...Part } } first: thing(id: "1") { id } }
query ReadItem { item(id: "1") { ...Named } }

# Orders.
mutation MakeOrder($input: Order!, $class: ID = "x") { order(input: $input) { ...Thing } drop(id: $class) }
mutation Drop($id: ID!) @idempotent { drop(id: $id) }

fragment Thing on Thing { id name token made from status parts { ...Part } }
fragment Part on Part { id size }
fragment Named on Item { id ... on Thing { name token } }
'''


@pytest.fixture(scope="session")
def shop(make_project: Callable[..., Project]) -> Project:
    """A generated package with a bit of everything."""
    return make_project(SHOP_SCHEMA, SHOP_QUERIES, 'secret = ["Thing.token", "Order.password"]').generate()
