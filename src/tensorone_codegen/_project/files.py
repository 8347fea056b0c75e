"""The GraphQL files of a project: where they are, what they hold, and how one is replaced."""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from graphql import DirectiveDefinitionNode, Source

from tensorone_codegen._errors import CodegenError
from tensorone_codegen._schema import CLIENT_DIRECTIVES

from .locations import parsed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

    from graphql import DefinitionNode

    from .settings import Settings


NOTHING: Mapping[Path, str] = MappingProxyType({})


def server_file(settings: Settings) -> Path:
    """The file that holds the server's schema, or will.

    Raises:
        CodegenError: It is in several files, so that none of them can be replaced.
    """
    path = settings.schema
    if path.is_file() or path.suffix == ".graphql":
        return path
    names = {display_name(file, settings.root): file for file in _files(path)}
    sources = of_server(read(path, settings.root)) if names else []
    if len(sources) > 1:
        here = ", ".join(source.name for source in sources)
        raise CodegenError(f"the schema is in several files, {here}: put it into one, which can be replaced")
    return names[sources[0].name] if sources else path / "schema.graphql"


def of_server(sources: Iterable[Source]) -> list[Source]:
    """Those that hold more than the client's own directives."""
    return [source for source in sources if not all(map(_is_clients, parsed(source).definitions))]


def _is_clients(node: DefinitionNode) -> bool:
    return isinstance(node, DirectiveDefinitionNode) and node.name.value in CLIENT_DIRECTIVES


def read(path: Path, root: Path, instead: Mapping[Path, str] = NOTHING) -> list[Source]:
    """The GraphQL files at a path, in a fixed order; or what is read instead of some."""
    files = sorted({*_files(path), *instead})
    if not files:
        raise CodegenError(f"{display_name(path, root)}: there is no GraphQL file")
    texts = {file: instead[file] if file in instead else _text(file, display_name(file, root)) for file in files}
    return [Source(text, display_name(file, root)) for file, text in texts.items()]


def _text(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CodegenError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CodegenError(f"{name}:{line}: this is not UTF-8: save the file in that encoding") from None


def _files(path: Path) -> list[Path]:
    return list(path.rglob("*.graphql")) if path.is_dir() else [path] if path.is_file() else []


def display_name(path: Path, root: Path) -> str:
    """The name of a file for people, the same on every machine if it is in the project."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def text_of(file: Path, root: Path) -> str:
    """What a file holds; nothing if there is none."""
    return read(file, root)[0].body if file.exists() else ""


@contextmanager
def replacing(file: Path, text: str) -> Generator[bool]:
    """Puts a text in the place of what a file holds: at the end of the block, whole, and only if nothing was raised.

    The ends of lines stay as they are in the file, and one that would not change is not touched.

    Yields:
        Whether anything changes.
    """
    old = file.read_bytes() if file.exists() else b""
    new = (text.replace("\n", "\r\n") if b"\r\n" in old else text).encode()
    if new == old:
        yield False
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.write_bytes(new)
        yield True
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
