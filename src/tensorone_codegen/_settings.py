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

# What ariadne-codegen is told unless the project says otherwise; docs/design.md says why.
DEFAULTS: dict[str, Any] = {
    "schema_path": "schema",
    "queries_path": "queries",
    "target_package_path": "generated",
    "client_name": "GraphQLClient",
    "skip_validation_rules": [],
    "scalars": {"DateTime": {"type": "datetime.datetime"}, "Void": {"type": "None"}},
}
# What the plugin and the runtime files rely on.
FIXED: dict[str, Any] = {
    "base_client_name": "BaseClient",
    "base_client_file_path": str(RUNTIME / "base_client.py"),
    "use_alias_generator": True,
    "include_all_inputs": False,
    "include_all_enums": False,
    "multipart_uploads": False,
    "lazy_imports": False,
    "files_to_include": [str(RUNTIME / "operation.py"), str(RUNTIME / "open_enum.py")],
    "plugins": ["tensorone_codegen._plugin.SdkPlugin"],
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One project: where it is, what ariadne-codegen is told, and which fields hold secrets.

    Attributes:
        root: Directory of the project's pyproject.toml.
        ariadne: ariadne-codegen's settings.
        secret: `Type.field` of what no repr may show.
    """

    root: Path
    ariadne: dict[str, Any]
    secret: tuple[str, ...]

    @property
    def schema(self) -> Path:
        """File or directory of the schema."""
        return self.root / self.ariadne["schema_path"]

    @property
    def queries(self) -> Path:
        """File or directory of the operations."""
        return self.root / self.ariadne["queries_path"]

    @property
    def target(self) -> Path:
        """Directory of the generated package."""
        return self.root / self.ariadne["target_package_path"] / self.ariadne["target_package_name"]


def read(root: Path) -> Settings:
    """The settings of the project in a directory.

    Raises:
        CodegenError: There are none, or one of them is unknown or missing.
    """
    file = root / "pyproject.toml"
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CodegenError(f"pyproject.toml: {error}") from None
    ours, theirs = tool.get("tensorone-codegen", {}), tool.get("ariadne-codegen", {})
    _known(ours, {"secret"}, "tensorone-codegen")
    _known(theirs, {field.name for field in fields(ClientSettings)} - FIXED.keys(), "ariadne-codegen")
    if "target_package_name" not in theirs:
        raise CodegenError("pyproject.toml: [tool.ariadne-codegen] needs target_package_name, such as 'my_graphql'")
    return Settings(root, DEFAULTS | theirs | FIXED, tuple(ours.get("secret", ())))


def _known(given: dict[str, Any], known: set[str], table: str) -> None:
    for key in given:
        if key in FIXED and table == "ariadne-codegen":
            raise CodegenError(f"pyproject.toml: [tool.{table}] {key} is set by tensorone_codegen: leave it out")
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise CodegenError(f"pyproject.toml: [tool.{table}] has no setting {key}{hint}")
