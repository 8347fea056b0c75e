"""Imports a new package in a process of its own, before it is put in its place."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tensorone_codegen._errors import CodegenError

if TYPE_CHECKING:
    from pathlib import Path

# Every name is imported, every model built with its defaults, and every annotation of the client resolved.
_PROGRAM = """
import importlib, inspect, json, sys, traceback, typing
directory, name, *others = sys.argv[1:]
sys.path[:] = [directory, *others]
sys.dont_write_bytecode = True
value = None
try:
    package = importlib.import_module(name)
    for each in package.__all__:
        value = getattr(package, each)
        if hasattr(value, "model_rebuild"):
            value.model_rebuild()
            for field in value.model_fields.values():
                field.get_default(call_default_factory=True)
    typing.TYPE_CHECKING = True
    client = importlib.reload(importlib.import_module(name + ".client"))
    for kind in vars(client).values():
        if isinstance(kind, type) and kind.__module__ == client.__name__:
            for method in vars(kind).values():
                callable(method) and typing.get_type_hints(method)
except Exception as error:
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.startswith(directory)]
    # Where a model is built, not how.
    frames = [each for each in frames if not each.name.startswith("__get_pydantic_")]
    last = frames[-1] if frames else None
    if not frames and inspect.isclass(value):
        # It was built here, and not by its module.
        lines, number = inspect.getsourcelines(value)
        last = traceback.FrameSummary(inspect.getsourcefile(value), number, value.__name__, line=lines[0].strip())
    text = str(error).splitlines() or [""]
    print(json.dumps({
        "file": last.filename[len(directory):].lstrip("/\\\\").replace("\\\\", "/") if last else name,
        "line": last.lineno if last else 0,
        "code": last.line if last else "",
        "error": type(error).__name__ + ": " + text[0],
        "missing": getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None,
    }))
"""


def check_import(package: Path) -> None:
    """Imports everything that a package offers, on the Python that runs this.

    Raises:
        CodegenError: Something cannot be imported; holds its place in the generated code, and advice.
    """
    # What is imported here can be imported there: packages that this one extends, and modules of scalars.
    command = [sys.executable, "-c", _PROGRAM, str(package.parent), package.name, *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - all of it is ours
    # What a module prints when it is imported comes before.
    *_, last = ["", *done.stdout.splitlines()]
    if not last.startswith("{") and done.returncode == 0:
        return
    raise CodegenError(_message(package.name, json.loads(last) if last.startswith("{") else {}, done.stderr))


def _message(package: str, found: dict[str, str], words: str) -> str:
    if not found:
        *_, last = ["it ended without a word", *words.splitlines()]
        return f"{package} cannot be imported: {last}; nothing was changed"
    version = ".".join(map(str, sys.version_info[:2]))
    place = f"{found['file']}:{found['line']}: {found['error']}"
    code = f"\n  in the generated line: {found['code']}" if found["code"] else ""
    return f"{place}{code}\nPython {version} cannot import the new package: {_advice(found)}; nothing was changed"


def _advice(found: dict[str, str]) -> str:
    if found["missing"]:
        return (
            f"a scalar in pyproject.toml needs the module {found['missing']}: install it where this runs, or correct"
            " [tool.ariadne-codegen.scalars]"
        )
    return (
        "leave what this line stands for out of the operations or the schema, or map its scalar to another type,"
        " or with parse and serialize, in [tool.ariadne-codegen.scalars]"
    )
