"""Profiles: several accounts in one file that only its owner may read, and the commands that print their keys."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import tomllib
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tensorone._data.dataclass import dataclass

from . import _checks
from ._errors import ConfigurationError
from ._redaction import ENVIRON, without_frames

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_VARIABLE = "TENSORONE_CONFIG"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBERS = ("max_hourly_spend", "settle_time")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KEY_SECONDS = 60.0  # a password manager may ask its user for a pass phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One account.

    Attributes:
        name: What it is called in the file.
        api_key: Its key; not in any repr.
        key_command: A command that prints the key, as a shell would split it; run without a shell.
        url: The service's address, where it is not the usual one.
        auth: How the key is sent, where it is not the usual way.
        http_url: The address of a cluster's http port, with ``{id}`` and ``{port}``.
        max_hourly_spend: US dollars per hour that one client may spend.
        settle_time: Seconds after a lost answer within which the service is expected to show what it did.
    """

    name: str
    api_key: str | None = field(default=None, repr=False)
    key_command: str | None = None
    url: str | None = None
    auth: str | None = None
    http_url: str | None = None
    max_hourly_spend: float | None = None
    settle_time: float | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What it says of a client, by the client's keywords."""
        names = ("url", "auth", *_NUMBERS)
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def key(self) -> str:
        """The account's key.

        Raises:
            ConfigurationError: There is none, or the command that prints it failed.
        """
        if self.api_key is not None:
            return self.api_key
        if self.key_command is None:
            raise ConfigurationError(f"profile {self.name} has neither api_key nor key_command")
        return _printed(self.name, self.key_command)


@dataclass(frozen=True, slots=True)
class Profiles:
    """What the file holds."""

    default: str | None = None
    by_name: Mapping[str, Profile] = field(default_factory=dict[str, Profile])

    def get(self, name: str | None) -> Profile:
        """The profile of a name, else the default one.

        Raises:
            ConfigurationError: There is no such profile.
        """
        wanted = name or self.default
        known = ", ".join(self.by_name) or "none"
        if wanted is None:
            raise ConfigurationError(f"no profile is the default; there are: {known}")
        if wanted not in self.by_name:
            raise ConfigurationError(f"there is no profile {wanted}; there are: {known}")
        return self.by_name[wanted]


def location(environ: Mapping[str, str] = ENVIRON) -> Path:
    """The file: where `TENSORONE_CONFIG` says, else ``tensorone/profiles.toml`` of the user's configuration."""
    if given := environ.get(FILE_VARIABLE):
        return Path(given)
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "tensorone" / "profiles.toml"


def load(path: Path) -> Profiles:
    """Reads the file; without one, there are no profiles.

    Raises:
        ConfigurationError: Others may read it, or it is not valid. No value of it is repeated.
    """
    try:
        return _read(Path(_checks.path("path", path)))
    except ConfigurationError as error:
        raise without_frames(error) from None


def _read(path: Path) -> Profiles:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return Profiles()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    if os.name == "posix" and mode & _OTHERS:
        raise ConfigurationError(
            f"{path} holds keys, and others may read it (mode {mode & 0o777:04o}): chmod 600 {path}"
        )
    try:
        return _parsed(tomllib.loads(text.decode()), path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigurationError(f"{path} is not valid TOML") from None


def save(path: Path, profiles: Profiles) -> None:
    """Writes the file in one step, for its owner alone.

    Raises:
        ConfigurationError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_written(profiles))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None


def checked_name(name: str) -> str:
    """A name that a profile may have.

    Raises:
        ConfigurationError: It is none.
    """
    if not _NAME.fullmatch(name) or name == "default":
        raise ConfigurationError("the name of a profile is 1 to 64 letters, digits, - or _, and not 'default'")
    return name


def _parsed(tree: Mapping[str, Any], path: Path) -> Profiles:
    default = tree.get("default")
    if default is not None and not isinstance(default, str):
        raise ConfigurationError(f"{path}: default must be the name of a profile")
    tables = {name: table for name, table in tree.items() if name != "default"}
    return Profiles(default, {name: _profile(name, table, path) for name, table in tables.items()})


def _profile(name: str, table: object, path: Path) -> Profile:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {name} is not a table; a profile begins with [{name}]")
    given = cast("dict[str, object]", table)
    known = {each.name for each in fields(Profile)} - {"name"}
    if unknown := sorted(given.keys() - known):
        raise ConfigurationError(f"{path}: [{name}] has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    for key, value in given.items():
        wanted = (int, float) if key in _NUMBERS else (str,)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ConfigurationError(f"{path}: {key} of [{name}] must be a {'number' if int in wanted else 'string'}")
    return Profile(name=checked_name(name), **given)  # type: ignore[arg-type]  # checked just above


def _written(profiles: Profiles) -> str:
    """The file's text; a string of JSON is one of TOML, too."""
    lines = [] if profiles.default is None else [f"default = {json.dumps(profiles.default)}"]
    for name, profile in profiles.by_name.items():
        lines += ["", f"[{name}]"]
        lines += [
            f"{each.name} = {json.dumps(value)}"
            for each in fields(Profile)
            if each.name != "name" and (value := getattr(profile, each.name)) is not None
        ]
    return "\n".join(lines).lstrip("\n") + "\n"


def _printed(name: str, command: str) -> str:
    """What a key command prints; its errors go where ours go, and nothing that it prints is repeated."""
    try:
        done = subprocess.run(  # noqa: S603 - the owner's own command, from a file that only the owner can read
            shlex.split(command), stdout=subprocess.PIPE, timeout=_KEY_SECONDS, check=False
        )
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        words = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise ConfigurationError(f"key_command of profile {name} failed: {words}") from None
    key = done.stdout.decode(errors="replace").strip()
    if done.returncode or not key:
        what = f"ended with status {done.returncode}" if done.returncode else "printed nothing"
        raise ConfigurationError(f"key_command of profile {name} {what}")
    return key
