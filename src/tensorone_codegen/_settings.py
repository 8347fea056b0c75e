"""Settings: a short table in pyproject.toml over our defaults; an unknown key is refused, not ignored."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ariadne_codegen.settings import ClientSettings

from ._errors import CodegenError

RUNTIME = Path(__file__).parent / "runtime"

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
    "files_to_include": [str(RUNTIME / "operation.py"), str(RUNTIME / "open_enum.py")],
    "plugins": ["tensorone_codegen._plugin.SdkPlugin"],
}
_OURS: dict[str, Any] = {"secret": [], "extends": ""}
_THEIRS = frozenset(field.name for field in fields(ClientSettings))


@dataclass(frozen=True, slots=True)
class Settings:
    """One project: where it is, what ariadne-codegen is told, and which fields hold secrets.

    Attributes:
        root: Directory of the project's pyproject.toml.
        ariadne: ariadne-codegen's settings.
        secret: `Type.field` of what no repr may show.
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
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
        tool = tomllib.loads(text).get("tool", {})
    except FileNotFoundError:
        raise CodegenError("there is no pyproject.toml here: run this beside the one of your project") from None
    except (OSError, ValueError) as error:
        raise CodegenError(f"pyproject.toml: {error}") from None
    ours, theirs = tool.get("tensorone-codegen", {}), tool.get("ariadne-codegen", {})
    _check(ours, _OURS, "tensorone-codegen")
    _check(theirs, DEFAULTS, "ariadne-codegen")
    if not theirs.get("target_package_name", "").isidentifier():
        raise CodegenError("pyproject.toml: [tool.ariadne-codegen] needs target_package_name, such as 'my_graphql'")
    ariadne = DEFAULTS | theirs | {"scalars": DEFAULTS["scalars"] | theirs.get("scalars", {})}
    return Settings(root, ariadne, tuple(ours.get("secret", ())), ours.get("extends", ""))


def _check(given: dict[str, Any], known: dict[str, Any], table: str) -> None:
    """Refuses what would be ignored."""
    here = f"pyproject.toml: [tool.{table}]"
    for key, value in given.items():
        if key not in known and table == "ariadne-codegen" and key in _THEIRS:
            raise CodegenError(f"{here} {key} is for tensorone_codegen to say: leave it out")
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise CodegenError(f"{here} has no setting {key}" + (f"; did you mean {near[0]}?" if near else ""))
        if type(value) is not type(known[key]):
            raise CodegenError(f"{here} {key} must be a {type(known[key]).__name__}, not {value!r}")
