"""`profile` and `login`: several accounts, in a file that only its owner can read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from tensorone._cli._output.shapes import ProfileDocument
    from tensorone._profiles import Profiles


def list_(*, common: Common = COMMON) -> Reply:  # noqa: ARG001 - the program reads it
    """List the profiles; keys are not shown.

    Example: tensorone profile list
    """
    from tensorone import _profiles

    return _reply(_profiles.load(_profiles.location()))


def use(name: str, /, *, common: Common = COMMON) -> Reply:  # noqa: ARG001 - likewise
    """Make a profile the default.

    Example: tensorone profile use work

    Args:
        name: The profile.
    """
    from dataclasses import replace

    from tensorone import _profiles

    found = _profiles.load(_profiles.location())
    changed = replace(found, default=found.get(name).name)
    _profiles.save(_profiles.location(), changed)
    return _reply(changed)


def remove(name: str, /, *, common: Common = COMMON) -> Reply:  # noqa: ARG001 - likewise
    """Remove a profile and its key from the file.

    Example: tensorone profile remove work

    Args:
        name: The profile.
    """
    from tensorone import _profiles

    found = _profiles.load(_profiles.location())
    found.get(name)
    left = {key: each for key, each in found.by_name.items() if key != name}
    changed = _profiles.Profiles(None if found.default == name else found.default, left)
    _profiles.save(_profiles.location(), changed)
    return _reply(changed)


def add(
    name: str,
    /,
    *,
    key_command: Annotated[str | None, Parameter(metavar="COMMAND")] = None,
    url: str | None = None,
    http_url: Annotated[str | None, Parameter(metavar="PATTERN")] = None,
    common: Common = COMMON,  # noqa: ARG001 - likewise
) -> Reply:
    """Add a profile whose key a command prints, or change one.

    For a key in the file itself: tensorone login --name NAME.

    Example: tensorone profile add work --key-command "pass show tensorone"

    Args:
        name: The profile.
        key_command: A command that prints the key; run without a shell.
        url: The service's address, where it is not the usual one.
        http_url: Address of http ports, with {id} and {port} in it.
    """
    from dataclasses import replace

    from tensorone import _profiles

    found = _profiles.load(_profiles.location())
    profile = found.by_name.get(_profiles.checked_name(name)) or _profiles.Profile(name=name)
    if key_command is not None:
        profile = replace(profile, api_key=None, key_command=key_command)
    profile = replace(profile, url=url or profile.url, http_url=http_url or profile.http_url)
    changed = _profiles.Profiles(found.default or name, {**found.by_name, name: profile})
    _profiles.save(_profiles.location(), changed)
    return _reply(changed)


async def login(
    *,
    name: str = "default-account",
    with_key: bool = False,
    url: str | None = None,
    common: Common = COMMON,  # noqa: ARG001 - likewise
) -> Reply:
    """Try an API key, and write it into the profiles file.

    The key is asked for without an echo, or read from standard input; it is
    never an argument, which others could see in the list of processes.

    Example: tensorone login --with-key < key.txt

    Args:
        name: The profile to write.
        with_key: Read the key from standard input.
        url: The service's address, where it is not the usual one.
    """
    from dataclasses import replace

    from tensorone import TensorOne, _profiles
    from tensorone._cli._output.failures import failed

    _profiles.checked_name(name)
    found = _profiles.load(_profiles.location())
    if not with_key and not _attended():
        raise failed("invalid_argument", "nobody can be asked for the key here: add --with-key < file")
    key = sys.stdin.readline().strip() if with_key else _asked()
    if not key:
        raise failed("invalid_argument", "no key was given; nothing was written")
    async with TensorOne(key, url=url) as client:
        await client.clusters.list()
    profile = found.by_name.get(name) or _profiles.Profile(name=name)
    profile = replace(profile, api_key=key, key_command=None, url=url or profile.url)
    changed = _profiles.Profiles(found.default or name, {**found.by_name, name: profile})
    _profiles.save(_profiles.location(), changed)
    return _reply(changed, f"the key is accepted, and in profile {name} of {_profiles.location()}")


def _attended() -> bool:
    return sys.stdin.isatty()


def _asked() -> str:
    from getpass import getpass

    return getpass("API key (not shown): ").strip()


def _reply(found: Profiles, footer: str | None = None) -> Reply:
    from tensorone._cli._output.tables import table
    from tensorone._cli._output.terminal import terminal

    documents: list[ProfileDocument] = [
        {
            "name": each.name,
            "default": each.name == found.default,
            "key_from": "file" if each.api_key else "key_command" if each.key_command else "nowhere",
            "url": each.url,
        }
        for each in found.by_name.values()
    ]
    rows = [("*" if each["default"] else "", each["name"], each["key_from"], each["url"] or "-") for each in documents]
    text = terminal().drawn(table(("", "NAME", "KEY FROM", "URL~"), rows)) if rows else None
    return Reply({"profiles": documents}, text, footer or (None if rows else "no profiles; tensorone login makes one"))
