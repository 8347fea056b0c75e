"""What generated models and enums are like."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from codegen.conftest import Project

THING: dict[str, Any] = {
    "id": "1",
    "name": "n",
    "token": "hush",
    "made": "2026-01-02T03:04:05Z",
    "from": "here",
    "status": "SENT",
    "parts": [{"id": "2", "size": 1.5}],
}


@pytest.fixture
def fragments(shop: Project) -> ModuleType:
    """The module of the public models."""
    return shop.module("fragments")


def test_every_module_can_be_imported(shop: Project) -> None:
    """All modules import, and every name that the package promises is there."""
    package = shop.module()
    names = [name for _, name, _ in pkgutil.iter_modules(package.__path__)]
    assert {"client", "fragments", "read_thing", "make_order"} <= set(names)
    for name in names:
        importlib.import_module(f"{shop.package}.{name}")
    assert all(getattr(package, name) for name in package.__all__ if name != "UNSET")
    assert dir(package) == package.__all__ == sorted(package.__all__)


def test_results_are_lenient_and_frozen(fragments: ModuleType) -> None:
    """A field that is newer than the package is ignored; nothing can be changed afterwards."""
    thing = fragments.Thing.model_validate(THING | {"newer": 1})
    assert (thing.from_, thing.made.year) == ("here", 2026)
    with pytest.raises(ValidationError, match="frozen"):
        thing.name = "other"


def test_fragments_nest_as_themselves(fragments: ModuleType, shop: Project) -> None:
    """What is selected by a fragment is of the fragment's class, everywhere."""
    thing = fragments.Thing.model_validate(THING)
    assert type(thing.parts[0]) is fragments.Part
    read = shop.module("read_thing").ReadThing.model_validate({"thing": THING})
    assert type(read.thing) is fragments.Thing
    assert read.thing == thing


def test_secrets_stay_out_of_reprs(fragments: ModuleType, shop: Project) -> None:
    """What is listed as secret is not shown, in results, in inputs, nested, and in unpacked fragments."""
    order = shop.module("input_types").Order
    secretive = [
        fragments.Thing.model_validate(THING),
        order(name="x", password="hush", nested=order(name="y", password="hush")),
        shop.module("read_any").ReadAny.model_validate(
            {"any": {"__typename": "Thing", "id": "1", "token": "hush"}, "first": None}
        ),
        shop.module("read_item").ReadItem.model_validate(
            {"item": {"__typename": "Thing", "id": "1", "name": None, "token": "hush"}}
        ),
    ]
    assert [each for each in secretive if "hush" in repr(each) or "hush" in str(each)] == []
    assert secretive[0].token == secretive[1].nested.password == "hush"


def test_inputs_send_the_names_of_the_schema(shop: Project) -> None:
    """Python names go in, the schema's names come out, and only those that were given."""
    order = shop.module("input_types").Order
    given = order(name="x", from_="y", gpu_id=1, nested=None)
    assert given.model_dump(by_alias=True, exclude_unset=True) == {"name": "x", "from": "y", "gpuID": 1, "nested": None}
    with pytest.raises(ValidationError, match="name"):
        order(from_="y")


def test_the_schemas_words_are_docstrings(shop: Project) -> None:
    """Descriptions of types become docstrings, those of fields and values stand under them."""
    assert shop.module("fragments").Thing.__doc__ == 'A "thing" to buy.'
    assert shop.module("enums").Status.__doc__ == "Where an order is."
    assert '    "What it is called."\n' in (shop.target / "fragments.py").read_text()
    assert '    "On its way."\n' in (shop.target / "enums.py").read_text()


def test_enums_of_answers_are_open(shop: Project) -> None:
    """A value not in the schema is one object that compares, copies, pickles and prints as its string."""
    status = shop.module("enums").Status
    new = status("EATEN")
    assert new is status("EATEN")
    assert (new.value, str(new), f"{new}", new == "EATEN", hash(new)) == (
        "EATEN",
        "EATEN",
        "EATEN",
        True,
        hash("EATEN"),
    )
    assert copy.deepcopy(new) is pickle.loads(pickle.dumps(new)) is new
    assert list(status) == [status.SENT, status.LOST]
    assert (new.is_known, status.SENT.is_known) == (False, True)
    with pytest.raises(ValueError, match="3"):
        status(3)


def test_enums_that_are_only_asked_for_are_closed(shop: Project) -> None:
    """A misspelt value of an argument is refused before it is sent."""
    with pytest.raises(ValueError, match="SLWO"):
        shop.module("enums").Speed("SLWO")


def test_objects_of_newer_types_are_accepted(shop: Project) -> None:
    """By the class of the interface, or one for all types that a union had not; what is known stays strict."""
    read_item, read_any = shop.module("read_item"), shop.module("read_any")
    item = read_item.ReadItem.model_validate({"item": {"__typename": "Newer", "id": "1"}}).item
    assert (type(item), item.typename__, item.id) == (read_item.ReadItemItemItem, "Newer", "1")
    part = read_item.ReadItem.model_validate({"item": {"__typename": "Part", "id": "1"}}).item
    assert (type(part), part.typename__) == (read_item.ReadItemItemItem, "Part")
    newer = read_any.ReadAny.model_validate({"any": {"__typename": "Newer", "id": "1"}, "first": None}).any
    assert (type(newer), newer.typename__) == (read_any.ReadAnyAnyOther, "Newer")
    assert shop.module().ReadAnyAnyOther is read_any.ReadAnyAnyOther
    with pytest.raises(ValidationError, match=r"ReadItemItemThing\.name"):
        read_item.ReadItem.model_validate({"item": {"__typename": "Thing", "id": "1"}})
    with pytest.raises(ValidationError, match=r"ReadAnyAnyThing\.id"):
        read_any.ReadAny.model_validate({"any": {"__typename": "Thing"}, "first": None})


def test_newer_types_are_accepted_wherever_they_can_be(make_project: Callable[..., Project]) -> None:
    """In lists and within each other, alone and under other names, and where another class has the name."""
    schema = """
    interface Node { id: ID self: Node }
    type Other implements Node { id: ID self: Node }
    type Leaf implements Node { id: ID self: Node size: Int }
    union One = Leaf
    union Two = Leaf | Other
    type Query { nodes: [Node!]! one: One must: Two! twos: [[Two]] }
    """
    queries = """
    query Plain { nodes { id kind: __typename self { id ... on Leaf { size } } } must { __typename } }
    query Unions { one { ... on Leaf { id } } must { ... on Leaf { id } } twos { __typename ... on Other { id } } }
    query Same { nodes { id ... on Node { id } } }
    """
    made = make_project(schema, queries).generate()
    new = {"__typename": "New"}
    plain = made.module("plain").Plain.model_validate(
        {"nodes": [new | {"id": "1", "kind": "New", "self": new | {"id": "2"}}], "must": {"__typename": "Leaf"}}
    )
    assert (plain.nodes[0].kind, plain.nodes[0].self.typename__, plain.must.typename__) == ("New", "New", "Leaf")
    unions = made.module("unions").Unions.model_validate({"one": new, "must": new, "twos": [[new, None]]})
    assert (unions.one.typename__, unions.must.typename__) == ("New", "New")
    assert [type(each).__name__ for each in unions.twos[0]] == ["UnionsTwosOther_", "NoneType"]
    assert made.module("same").Same.model_validate({"nodes": [new | {"id": "1"}]}).nodes[0].id == "1"


def test_defaults_of_inputs_are_values_of_their_types(make_project: Callable[..., Project]) -> None:
    """Enums, lists, objects, lists of objects and JSON, as deep as the schema has them."""
    schema = """
    scalar JSON
    enum Kind { A B None }
    input Inner { kind: Kind = None kinds: [Kind!] = [A, None] size: Int = 3 }
    input Outer {
      inner: Inner! = {kind: B, kinds: [B]}
      many: [Inner!]! = [{kind: B}, {size: 4}]
      json: JSON = {a: [{b: A}]}
      list: JSON = [1, {c: 2}]
      float: Float! = 1.5
      no: Int = null
      from: Kind! = B
    }
    type Query { ok(outer: Outer): Boolean }
    """
    package = make_project(schema, "query IsOk($outer: Outer) { ok(outer: $outer) }").generate().module()
    outer, kind = package.Outer(), package.Kind
    assert (outer.inner, outer.from_) == (package.Inner(kind=kind.B, kinds=[kind.B]), kind.B)
    assert outer.many == [package.Inner(kind=kind.B), package.Inner(size=4)]
    assert (outer.json_, outer.list, outer.float, outer.no) == ({"a": [{"b": "A"}]}, [1, {"c": 2}], 1.5, None)
    assert package.Inner().kinds == [kind.A, kind.None_]
    assert outer.model_dump(exclude_unset=True) == {}
