"""Settings: a short table in pyproject.toml over our defaults; an unknown key is refused, not ignored."""

from __future__ import annotations

import ast
import difflib
import keyword
import tomllib
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from ariadne_codegen.settings import ClientSettings

from tensorone_codegen import _names
from tensorone_codegen._errors import CodegenError

RUNTIME = Path(__file__).parents[1] / "runtime"


# What a project may change of ariadne-codegen's settings, with our defaults.
DEFAULTS: dict[str, Any] = {
    "schema_path": "schema",
    "queries_path": "queries",
    "target_package_path": "generated",
    "target_package_name": "",
    "client_name": "GraphQLClient",
    "scalars": {"DateTime": {"type": "datetime.datetime"}, "Void": {"type": "None"}},
    "show_deprecation_warnings": True,
}


# What the plugin and the runtime files rely on; whatever is in neither stays as ariadne-codegen has it.
FIXED: dict[str, Any] = {
    "base_client_name": "BaseClient",
    "base_client_file_path": str(RUNTIME / "base_client.py"),
    "use_alias_generator": True,
    "include_all_inputs": False,
    "include_all_enums": False,
    "multipart_uploads": False,
    "skip_validation_rules": [],
    "files_to_include": [
        str(RUNTIME / f"{name}.py") for name in ("lazy_imports", "open_enum", "operation", "secret_values")
    ],
    "plugins": ["tensorone_codegen._package.plugin.SdkPlugin"],
}


_OURS: dict[str, Any] = {"secret": [], "extends": ""}


TABLES = ("tensorone-codegen", "ariadne-codegen")


# As alike as two names are that were meant to be the same.
_NEAR = 0.85


_SCALAR = frozenset({"type", "parse", "serialize", "import"})


# Builtins by which generated modules annotate, and imports that are the same object as the modules' own.
_READ = frozenset({"bool", "float", "globals", "int", "list", "str"})
_THE_SAME = frozenset({"enum.Enum", "typing.Annotated", "typing.Any", "typing.Optional", "typing.Union"})


_THEIRS = frozenset(field.name for field in fields(ClientSettings))


@dataclass(frozen=True, slots=True)
class Settings:
    """One project: where it is, the settings of ariadne-codegen, and which fields hold secrets.

    Attributes:
        root: Directory of the project's pyproject.toml.
        ariadne: ariadne-codegen's settings.
        secret: `Type.field` of what is masked wherever it is written.
        extends: Generated package whose schema and fragments are used too; empty for none.
    """

    root: Path
    ariadne: dict[str, Any]
    secret: tuple[str, ...] = ()
    extends: str = ""

    @property
    def scalar_types(self) -> frozenset[str]:
        """Python's names of the types of scalars."""
        return frozenset(str(scalar.get("type", "")).rpartition(".")[2] for scalar in self.ariadne["scalars"].values())

    @property
    def schema(self) -> Path:
        """File or directory of the schema."""
        return self.root / str(self.ariadne["schema_path"])

    @property
    def queries(self) -> Path:
        """File or directory of the operations."""
        return self.root / str(self.ariadne["queries_path"])

    @property
    def target(self) -> Path:
        """Directory of the generated package."""
        return self.root / str(self.ariadne["target_package_path"]) / str(self.ariadne["target_package_name"])


def read(root: Path) -> Settings:
    """The settings of the project in a directory.

    Raises:
        CodegenError: There are none, or one of them is unknown, missing or of the wrong type.
    """
    try:
        content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CodegenError("there is no pyproject.toml here: run this beside the one of your project") from None
    except (OSError, ValueError) as error:
        raise CodegenError(f"pyproject.toml: {error}") from None
    tool = _table(content, "tool")
    _refuse_misspelt(tool)
    ours, theirs = (_table(tool, name) for name in TABLES)
    _check(ours, _OURS, TABLES[0])
    _check(theirs, DEFAULTS, TABLES[1])
    ariadne = DEFAULTS | theirs | {"scalars": DEFAULTS["scalars"] | theirs.get("scalars", {})}
    _check_names(ariadne)
    _check_inside(ariadne["scalars"], ours)
    return Settings(root, ariadne, tuple(ours.get("secret", ())), ours.get("extends", ""))


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of the file that must be a table; empty where it is missing."""
    found = content.get(name, {})
    if not isinstance(found, dict):
        raise CodegenError(f"pyproject.toml: {name} must be a table, not {found!r}")
    return cast("dict[str, Any]", found)


def _refuse_misspelt(tool: dict[str, Any]) -> None:
    """Refuses tables that are nearly ours, and would be ignored."""
    for name in tool.keys() - TABLES:
        if near := difflib.get_close_matches(name.lower(), TABLES, 1, _NEAR):
            raise CodegenError(f"pyproject.toml: [tool.{name}] is ignored; did you mean [tool.{near[0]}]?")


def _check(given: dict[str, Any], known: dict[str, Any], table: str) -> None:
    """Refuses what would be ignored."""
    here = f"pyproject.toml: [tool.{table}]"
    for key, value in given.items():
        if key not in known and table == "ariadne-codegen" and key in _THEIRS:
            raise CodegenError(f"{here} {key} is set by tensorone_codegen: leave it out")
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise CodegenError(f"{here} has no setting {key}" + (f"; did you mean {near[0]}?" if near else ""))
        if type(value) is not type(known[key]):
            raise CodegenError(f"{here} {key} must be a {type(known[key]).__name__}, not {value!r}")


def _check_names(ariadne: dict[str, Any]) -> None:
    """Refuses what is not a Python name."""
    here = "pyproject.toml: [tool.ariadne-codegen]"
    if not _is_name(ariadne["target_package_name"]):
        raise CodegenError(f"{here} needs target_package_name, such as 'my_graphql'")
    if not _is_name(ariadne["client_name"]):
        raise CodegenError(f"{here} client_name {ariadne['client_name']!r} is not a class name")


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _check_inside(scalars: dict[str, Any], ours: dict[str, Any]) -> None:
    """Refuses values of the right type with wrong contents."""
    for name, scalar in scalars.items():
        if not _is_scalar(scalar):
            raise CodegenError(
                f"pyproject.toml: [tool.ariadne-codegen.scalars] {name} must be a table of type, and of parse and"
                f" serialize if need be, not {scalar!r}"
            )
        _check_paths(name, scalar)
    _check_imports(scalars)
    for coordinate in ours.get("secret", ()):
        if not isinstance(coordinate, str):
            raise CodegenError(f"pyproject.toml: secret holds 'Type.field', not {coordinate!r}")
    extends = ours.get("extends", "")
    if extends and not _is_package(extends):
        raise CodegenError(f"pyproject.toml: extends: {extends} is not an installed, generated package")


def _check_paths(name: str, scalar: dict[str, str]) -> None:
    """Refuses what is neither a name, with the module that it is imported from, nor made of builtins."""
    for key, path in scalar.items():
        is_path = all(map(_is_name, path.split("."))) or path == "None"
        if not is_path and (key != "type" or "." in path or not _is_expression(path)):
            raise CodegenError(
                f"pyproject.toml: [tool.ariadne-codegen.scalars] {name}: {key} {path!r} is not a name such as"
                " datetime.date: give what it stands for a name in a module of yours"
            )


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True


def _check_imports(scalars: dict[str, Any]) -> None:
    """Refuses names of which a module could import only one."""
    imported: dict[str, str] = {}
    for scalar, path in ((name, path) for name, table in scalars.items() for path in table.values() if "." in path):
        name = path.rpartition(".")[2]
        here = f"pyproject.toml: [tool.ariadne-codegen.scalars] {scalar}: {path}"
        if name in _names.OF_MODULES | _READ and path not in _THE_SAME:
            raise CodegenError(f"{here}: generated modules have another {name}: give it another name in its module")
        if imported.setdefault(name, path) != path:
            raise CodegenError(f"{here}: {imported[name]} has the same name: give one another name in its module")


def _is_scalar(scalar: Any) -> bool:
    if not isinstance(scalar, dict) or "type" not in scalar:
        return False
    items = cast("dict[str, Any]", scalar).items()
    return all(key in _SCALAR and isinstance(value, str) for key, value in items)


def _is_package(name: str) -> bool:
    try:
        spec = find_spec(name) if all(map(_is_name, name.split("."))) else None
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.submodule_search_locations is not None
