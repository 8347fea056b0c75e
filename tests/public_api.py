"""Prints every public name with its signature, one per line; `tests/public_api.txt` has its last output.

To change the public interface on purpose: python tests/public_api.py > tests/public_api.txt, and read the diff.
"""

import dataclasses
import enum
import importlib
import inspect
from collections.abc import Iterator

PACKAGES = (
    "tensorone",
    "tensorone.emulator",
    "tensorone.events",
    "tensorone.fleet",
    "tensorone.plot",
    "tensorone.temporal",
)


def lines() -> list[str]:
    """What a user may call, construct, read and catch, and how."""
    return [line for name in PACKAGES for line in _package(name)]


def _package(name: str) -> Iterator[str]:
    package = importlib.import_module(name)
    for public in sorted(package.__all__):
        yield from _described(f"{name}.{public}", getattr(package, public))


def _described(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)})"
        yield from _members(name, value)
    elif callable(value):
        yield f"{_kind(value)} {name}{_signature(value)}"
    else:
        yield f"value {name}" + ("" if name.endswith("__version__") else f": {_plain(value)}")


def _members(name: str, value: type) -> Iterator[str]:
    fields = getattr(value, "model_fields", None)
    if fields is None and _made_by_users(value):
        yield f"  {name}{_signature(value)}"
    for field, about in sorted((fields or {}).items()):
        yield f"  {name}.{field}: {_plain(about.annotation)}{'' if about.is_required() else ' = …'}"
    if dataclasses.is_dataclass(value):
        yield from (f"  {name}.{field.name}: {field.type}" for field in dataclasses.fields(value))
    ours = [base for base in value.__mro__ if base.__module__.partition(".")[0] in {"tensorone", "tensorone_codegen"}]
    for member in sorted({each for base in ours for each in vars(base) if not each.startswith("_")}):
        found = inspect.getattr_static(value, member)
        if isinstance(found, property):
            yield f"  property {name}.{member} -> {inspect.signature(found.fget).return_annotation}"
        elif inspect.isroutine(found):
            yield f"  {_kind(getattr(value, member))} {name}.{member}{_signature(getattr(value, member))}"
        elif not inspect.isdatadescriptor(found):
            yield f"  value {name}.{member}"


def _made_by_users(value: type) -> bool:
    """Whether its constructor is for users: an enum's differs by Python's version, and a client makes the others."""
    made = inspect.signature(value)
    return not issubclass(value, enum.Enum) and made != inspect.signature(object) and "session" not in made.parameters


def _kind(value: object) -> str:
    return "async def" if inspect.iscoroutinefunction(value) else "def"


def _signature(value: object) -> str:
    try:
        return str(inspect.signature(value))
    except ValueError:
        return "(…)"


def _plain(value: object) -> str:
    """An annotation without the module that its class happens to stand in."""
    words = inspect.formatannotation(value) if not isinstance(value, str) else value
    return words.replace("tensorone_graphql.", "").replace("typing.", "")


if __name__ == "__main__":
    print("\n".join(lines()))
