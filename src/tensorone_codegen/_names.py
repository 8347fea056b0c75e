"""Python names of GraphQL names: those of ariadne-codegen, escaped only where Python demands it."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from typing import TYPE_CHECKING

from ariadne_codegen.utils import PYDANTIC_RESERVED_FIELD_NAMES, str_to_pascal_case, str_to_snake_case

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLURAL = re.compile(r"([A-Z]{2,})s(?![a-z])")

# What every enum has already: what `enum` refuses, and what type checkers regard as the property.
_ENUM_RESERVED = frozenset({"is_known", "mro", "name", "value"})

# What a model has by its metaclass, too: pydantic warns of fields that hide it.
_MODEL_RESERVED = frozenset({*PYDANTIC_RESERVED_FIELD_NAMES, "mro", "register"})

# What a generated module imports or reads, beside the types of scalars: a type of the schema may have such a name.
OF_MODULES = frozenset(
    {
        "TYPE_CHECKING",
        "UNSET",
        "UnsetType",
        "annotations",
        "importlib",
        "newer_than",
        "of_any_class",
        "secret",
        "secret_sent",
        "validated_alone",
    }
    | {"Annotated", "Any", "BeforeValidator", "Enum", "Field", "Literal", "Optional", "PlainSerializer", "Union"}
    | {"BaseClient", "BaseModel", "Executor", "Group", "InputModel", "OpenEnum", "Operation", "RootField", "Slot"}
)

BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("__"))

# The scalar of uploads, for which ariadne-codegen has a type of its own.
UPLOAD = "Upload"


def class_name(name: str) -> str:
    """The class of an operation, a fragment or a part of either."""
    return str_to_pascal_case(name)


def constant(operation_name: str) -> str:
    """The constant that describes an operation."""
    return _snake(operation_name).upper()


def method(operation_name: str) -> str:
    """The method that runs an operation, and the module that holds it."""
    return _escaped(_snake(operation_name))


def argument(variable: str) -> str:
    """The argument of a method that gives a variable its value."""
    return _escaped(_snake(variable))


def attribute(key: str) -> str:
    """The attribute of a model for a field, by the key under which the field is answered."""
    if key == "__typename":
        return "typename__"
    name = _snake(key)
    if not name:
        return "underscore_named_field_"
    if not name.isidentifier():
        return f"field_{name}"
    return f"{name}_" if name in _MODEL_RESERVED else _escaped(name)


def member(value: str) -> str:
    """The member of an enum for one of its values."""
    if value.startswith("_") and value.endswith("_"):
        return f"{value.strip('_')}_" if value.strip("_") else f"underscores_{len(value)}"
    return f"{value}_" if value in _ENUM_RESERVED else _escaped(value)


def classes(module: ast.Module) -> list[ast.ClassDef]:
    """The classes of a module."""
    return [node for node in module.body if isinstance(node, ast.ClassDef)]


def imports(module: ast.Module) -> Iterator[ast.ImportFrom]:
    """The imports of a module, those for type checkers too."""
    for node in module.body:
        inner = node.body if isinstance(node, ast.If) else [node]
        yield from (each for each in inner if isinstance(each, ast.ImportFrom))


def _snake(name: str) -> str:
    """In snake case; the plural of an acronym is one word, as in `gpuIDs`."""
    return str_to_snake_case(_PLURAL.sub(lambda found: f"{found[1].capitalize()}s", name))


def _escaped(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name
