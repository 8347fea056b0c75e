"""From one schema to the next: what a new one means, and either all of it is taken up or nothing."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from graphql import build_schema

from . import _facade, _generate, _lint, _pull, _sources
from ._errors import CodegenError
from ._files import NOTHING, replacing, server_file, shown
from ._review import review

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from ._remote import Server
    from ._review import Review
    from ._settings import Settings


@dataclass(frozen=True, slots=True)
class Update:
    """A new schema and what it means.

    Attributes:
        projects: The project whose schema it is, and those that extend its package, each with its review.
        file: Where the schema goes.
        text: The schema, arranged as the one in its place.
    """

    projects: tuple[tuple[Settings, Review], ...]
    file: Path
    text: str


def reviewed(settings: Settings, text: str) -> Review:
    """What a new schema means for a project, whichever schema its operations were written for.

    Raises:
        CodegenError: The project cannot be read.
    """
    project = _sources.draft(settings)
    names = [node.name.value for node in project.operations if node.name]
    return review(project, build_schema(text), _facade.calls(settings.target.name, names))


def planned(settings: Settings, source: Server | Path, others: Iterable[Settings] = ()) -> Update:
    """Reads a new schema for a project, and for others that extend its package. Changes nothing.

    Raises:
        CodegenError: There is no schema to be had, a project cannot be read, or another one extends something else.
    """
    for other in others:
        if other.extends != settings.target.name:
            raise CodegenError(f"{other.root} does not extend {settings.target.name}: update it by itself")
    file, old = _pull.replaced(settings)
    text = _pull.pull(source, old, shown(file, settings.root))
    return Update(tuple((each, reviewed(each, text)) for each in (settings, *others)), file, text)


def take_up(update: Update) -> tuple[bool, list[str]]:
    """Generates all packages anew and puts the schema in its place.

    Returns:
        Whether the schema is another one, and what the operations use although it is deprecated, one line each.

    Raises:
        CodegenError: An operation does not fit the schema, or nothing can be generated from it; nothing was changed.
    """
    broken = [use.operation for _, found in update.projects for use in found.broken]
    if any(found.refused for _, found in update.projects):
        what = f"change or delete {', '.join(broken)}" if broken else "mend what the new schema refuses"
        raise CodegenError(f"nothing was changed: {what}, then run this again")
    settings, *others = (each for each, _ in update.projects)
    for other in others:
        _lint.lint(_sources.load(other, {server_file(other): update.text}), other)
    with replacing(update.file, update.text) as changed, _undoing() as generated:
        warnings = generated(settings, {update.file: update.text})
        for other in others:
            warnings += generated(other)
    return changed, warnings


@contextmanager
def _undoing() -> Generator[Callable[..., list[str]]]:
    """Hands out what generates packages; if anything is raised, those of the block are put back as they were."""
    with TemporaryDirectory() as place:
        kept: dict[Path, Path] = {}

        def generated(settings: Settings, instead: Mapping[Path, str] = NOTHING) -> list[str]:
            target, copy = settings.target, Path(place) / str(len(kept))
            if target.is_dir():
                shutil.copytree(target, copy)
            warnings = _generate.generate(settings, instead)
            kept[target] = copy
            return warnings

        try:
            yield generated
        except BaseException:
            for target, copy in kept.items():
                shutil.rmtree(target)
                if copy.is_dir():
                    shutil.copytree(copy, target)
            raise
