"""The client of a command: which account, and whose key, which is never an argument and never shown."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tensorone import _profiles
from tensorone._cli._output.failures import failed
from tensorone._cli._output.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tensorone import TensorOne
    from tensorone._profiles import Profile

    from .options import Common

KEY, PROFILE = "TENSORONE_API_KEY", "TENSORONE_PROFILE"


def profile_of(options: Common) -> Profile | None:
    """The profile in use: as asked for; none where the environment has a key; else its profile, else the default.

    Raises:
        ConfigurationError: The file or the profile is not usable.
    """
    if options.profile is None and os.environ.get(KEY):
        return None
    found = _profiles.load(_profiles.location())
    name = options.profile or os.environ.get(PROFILE)
    if name is None and found.default is None:
        raise failed("unauthorized", "there is no API key: neither a profile nor TENSORONE_API_KEY")
    return found.get(name)


def source_of(profile: Profile | None) -> str:
    """Where the key comes from, in words."""
    if profile is None:
        return f"key from {KEY}"
    return f"key from profile {profile.name} ({'key_command' if profile.api_key is None else 'file'})"


@asynccontextmanager
async def service(options: Common, *, max_hourly: float | None = None) -> AsyncGenerator[TensorOne]:
    """An open client, which labels what it rents."""
    from tensorone import TensorOne

    profile, settings = profile_of(options), dict[str, Any]()
    if profile is not None:
        settings = profile.settings
    if max_hourly is not None:
        settings["max_hourly_spend"] = max_hourly
    key = None if profile is None else profile.key()
    shown = terminal()
    async with TensorOne(key, label=True, **settings) as client:
        shown.client = client
        yield client
