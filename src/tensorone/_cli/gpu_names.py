"""GPU types as people say them: `a6000` is the one type whose name it is a part of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tensorone._cli._output import words
from tensorone._cli._output.failures import CommandFailed, failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tensorone import GpuType, TensorOne


async def resolved(client: TensorOne, names: Sequence[str]) -> list[str]:
    """The ids of the GPU types of these names.

    Raises:
        CommandFailed: A name matches none, or several; nothing was done.
    """
    if not names:
        return []
    catalogue = await client.gpu_types.list()
    return list(dict.fromkeys(matching(name, catalogue) for name in names))


def matching(name: str, catalogue: Iterable[GpuType]) -> str:
    """The id of the one type that a name stands for: its id or short name, else whole words of one, else a part.

    Raises:
        CommandFailed: There is none, or more than one.
    """
    types = list(catalogue)
    wanted = _plain(name)
    names = {each.id: (_plain(each.id), _plain(each.display_name or "")) for each in types}
    exact = [key for key, said in names.items() if wanted in said]
    whole = [key for key, said in names.items() if any(f" {wanted} " in f" {each} " for each in said)]
    parts = [key for key, said in names.items() if any(wanted in each for each in said)]
    found = exact or (whole if len(whole) == 1 else parts)
    if not wanted or len(found) != 1:
        raise _unclear(name, found if wanted else [], [each.id for each in types])
    return found[0]


def _plain(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", name.casefold()))


def _unclear(name: str, found: Sequence[str], known: Sequence[str]) -> CommandFailed:
    if found:
        return failed("invalid_argument", f"{name} may be {words.listed(found)}: say more of its name")
    few = ", ".join(known[:6])
    return failed("invalid_argument", f"there is no GPU type {name}; there are {few}, …", hint="tensorone gpus")
