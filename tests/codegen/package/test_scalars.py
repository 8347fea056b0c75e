"""Scalars that are mapped to types of Python, from the answer to the request."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tensorone._graphql import arguments, decoding

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project, Recorder

# Each scalar with the type that it is mapped to, and a value as a server writes it.
SCALARS: dict[str, tuple[str, Any]] = {
    "Address": ("ipaddress.IPv4Address", "10.0.0.1"),
    "Blob": ("bytes", "text"),
    "Clock": ("datetime.time", "03:04:05"),
    "Counts": ("dict[str, int]", {"a": 1}),
    "Date": ("datetime.date", "2026-01-02"),
    "File": ("pathlib.PurePosixPath", "/data"),
    "Link": ("pydantic.AnyUrl", "https://a.example/b"),
    "Money": ("decimal.Decimal", Decimal("9007199254740993.1")),
    "Secret": ("pydantic.SecretStr", "hush"),
    "Span": ("datetime.timedelta", "PT5M"),
    "Tags": ("frozenset", ["one"]),
    "UUID": ("uuid.UUID", "00000000-0000-0000-0000-000000000007"),
}
SCHEMA = f"""
{" ".join(f"scalar {name}" for name in SCALARS)}
scalar JSON
input In {{ {" ".join(f"f{name}: {name} many{name}: [{name}!]" for name in SCALARS)} note: JSON }}
type Out {{ {" ".join(f"f{name}: {name}" for name in SCALARS)} }}
type Query {{ out(in: In, note: JSON, order: JSON): Out }}
"""
QUERIES = f"""
query ReadOut($in: In) {{ out(in: $in) {{ {" ".join(f"f{name}" for name in SCALARS)} }} }}
query Note($note: JSON, $note_type: In) {{ out(note: $note, in: $note_type) {{ __typename }} }}
"""


@pytest.fixture(scope="module")
def mapped(make_project: Callable[..., Project]) -> Project:
    """A package whose scalars are types of Python."""
    lines = [f'{name} = {{ type = "{type_}" }}' for name, (type_, _) in SCALARS.items()]
    return make_project(SCHEMA, QUERIES, "[tool.ariadne-codegen.scalars]\n" + "\n".join(lines)).generate()


@pytest.mark.parametrize("name", SCALARS)
def test_what_is_read_is_sent(mapped: Project, name: str) -> None:
    """What an answer holds can be put into an input, alone and in a list, and arrives as it came."""
    wire = SCALARS[name][1]
    out = mapped.module("read_out").ReadOut.model_validate(
        {"out": {f"f{each}": None for each in SCALARS} | {f"f{name}": wire}}
    )
    value = getattr(out.out, f"f_{name.lower()}")
    given = mapped.module("input_types").In.model_validate({f"f{name}": value, f"many{name}": [value]})
    body = arguments.body(mapped.module("read_out").READ_OUT, arguments.values({"in": given}), "variables")
    sent = json.loads(body, parse_float=Decimal)["variables"]["in"]
    assert sent == {f"f{name}": wire, f"many{name}": [wire]}


def test_json_of_any_key_is_sent(mapped: Project) -> None:
    """As a variable of the type that the schema knows, alone or within an input."""
    operation, note = mapped.module("note").NOTE, {"app.kubernetes.io/name": 1, "": [{"a-b": 2}]}
    body = json.loads(arguments.body(operation, arguments.values({"note": note}), "literals"))
    assert body["query"] == "query Note($note:JSON){out(note:$note){__typename}}"
    assert body["variables"] == {"note": note}
    given = mapped.module("input_types").In(note=note)
    body = json.loads(arguments.body(operation, arguments.values({"note_type": given, "note": 1}), "literals"))
    assert body["query"] == "query Note($note_type:In){out(note:1 in:$note_type){__typename}}"
    assert body["variables"] == {"note_type": {"note": note}}


def test_only_what_can_hold_json_has_a_type(shop: Project) -> None:
    """No request needs the name of a type that is not in it for that."""
    assert "type=" not in (shop.target / "make_order.py").read_text()


COINS = """
class Coins:
    def __init__(self, count): self.count = count
def read(text): return {"5": Coins(5)}[text]
def write(coins): return str(coins.count)
"""


@pytest.fixture(scope="module")
def coins(make_project: Callable[..., Project]) -> Project:
    """A package with a scalar of a class that pydantic knows nothing of."""
    schema = "scalar Coins input In { coins: Coins } type Query { coins(coins: Coins, in: In): [Coins!] }"
    query = "query ReadCoins($coins: Coins, $in: In) { coins(coins: $coins, in: $in) }"
    table = 'Coins = { type = "coins.Coins", parse = "coins.read", serialize = "coins.write" }'
    project = make_project(schema, query, f"[tool.ariadne-codegen.scalars]\n{table}")
    project.write("generated/coins.py", COINS)
    return project.generate()


async def test_functions_make_any_class_a_scalar(coins: Project, recorder: Recorder) -> None:
    """`parse` makes what is read, and `serialize` what is sent, alone and in an input; JSON schemas allow anything."""
    package = coins.module()
    (read,) = package.ReadCoins.model_validate({"coins": ["5"]}).coins
    assert read.count == 5
    await package.GraphQLClient(recorder).read_coins(coins=read, in_=package.In(coins=read))
    (operation, variables), *_ = recorder.calls
    body = arguments.body(operation, arguments.values(variables), "literals")
    assert json.loads(body)["query"] == 'query ReadCoins{coins(coins:"5" in:{coins:"5"})}'
    with pytest.raises(ValueError, match="instance of Coins"):
        package.In(coins=5)
    assert package.ReadCoins.model_json_schema()["properties"]["coins"]["anyOf"][0]["items"] == {}


def test_what_a_function_raises_is_an_answer_of_the_wrong_shape(coins: Project) -> None:
    """The words, which may hold a secret, are left out."""
    with pytest.raises(decoding.ShapeError, match=r"the function that reads a scalar raised KeyError$"):
        decoding.result(b'{"data": {"coins": ["hush"]}}', coins.module().ReadCoins)
