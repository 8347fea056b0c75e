"""Python names of GraphQL names, exactly as ariadne-codegen makes them."""

from __future__ import annotations

import ast

from ariadne_codegen.utils import process_name, str_to_pascal_case, str_to_snake_case


def class_name(name: str) -> str:
    """The class of an operation, a fragment or a part of either."""
    return str_to_pascal_case(name)


def constant(operation_name: str) -> str:
    """The constant that describes an operation."""
    return str_to_snake_case(operation_name).upper()


def method(operation_name: str) -> str:
    """The method that runs an operation, and the module that holds it."""
    return process_name(operation_name, convert_to_snake_case=True)


def argument(variable: str) -> str:
    """The argument of a method that gives a variable its value."""
    return process_name(variable, convert_to_snake_case=True)


def attribute(key: str) -> str:
    """The attribute of a model for a field, by the key under which the field is answered."""
    if key == "__typename":
        return "typename__"
    return process_name(
        key, convert_to_snake_case=True, trim_leading_underscore=True, handle_pydantic_resrved_field_names=True
    )


def member(value: str) -> str:
    """The member of an enum for one of its values."""
    return process_name(value, convert_to_snake_case=False)


def classes(module: ast.Module) -> list[ast.ClassDef]:
    """The classes of a module."""
    return [node for node in module.body if isinstance(node, ast.ClassDef)]
