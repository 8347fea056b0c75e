"""`doctor`: whether key, network, clock and schema are as they should be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from tensorone import TensorOne
    from tensorone._cli._output.shapes import Check


async def doctor(*, common: Common = COMMON) -> Reply:
    """Check key, network, schema and spot; executes nothing.

    Example: tensorone doctor
    """
    from tensorone._cli._output.failures import CommandFailed, Failure, failure_of
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import profile_of, service, source_of
    from tensorone._errors import TensorOneError

    checks = [_check("version", "ok", _version())]
    failure: Failure | None = None
    try:
        source = source_of(profile_of(common))
        async with service(common) as client:
            await _ask(client, source, checks)
    except (TensorOneError, CommandFailed) as error:
        failure = failure_of(error)
        checks.append(_check("service", "fail", failure.message))
    from rich.text import Text

    from tensorone._cli._output.tables import COLOURS

    text = Text()
    for each in checks:
        text.append(f"{each['result']:<6}", style=COLOURS[each["result"]]).append(f"{each['message']}\n")
    return Reply({"checks": checks}, terminal().drawn(text), failure=failure)


def _check(name: str, result: str, message: str) -> Check:
    return {"name": name, "result": result, "message": message}  # type: ignore[typeddict-item]  # one of three words


def _version() -> str:
    from tensorone import __version__

    python = ".".join(map(str, sys.version_info[:3]))
    return f"tensorone {__version__}, Python {python}"


async def _ask(client: TensorOne, source: str, checks: list[Check]) -> None:
    import anyio

    from tensorone._errors import TensorOneError

    begun = anyio.current_time()
    clusters = await client.clusters.list()
    took = anyio.current_time() - begun
    count = f"{len(clusters)} cluster{'' if len(clusters) == 1 else 's'} listed in {took * 1000:.0f} ms"
    checks.append(_check("key", "ok", f"{source}, accepted; whether it may rent is not tried"))
    checks.append(_check("network", "ok", f"{client!r}: {count}".replace("<TensorOne ", "").replace(" (open)>", "")))
    checks.append(await _schema(client))
    try:
        quotes = await client.spot.quotes()
        stock = sum(each.available for each in quotes)
        checks.append(_check("spot", "ok", f"spot: {stock} of {len(quotes)} GPU types have stock"))
    except TensorOneError as error:
        checks.append(_check("spot", "warn", f"spot: {error}; spot, resume --ceiling and keep will fail"))


async def _schema(client: TensorOne) -> Check:
    found = await client.check_schema()
    refused = [each for each in found if each.verdict == "refused"]
    accepted = sum(each.verdict == "accepted" for each in found)
    words = f"schema: {accepted} of {len(found)} operations accepted, nothing executed"
    if refused:
        words += "; refused: " + ", ".join(f"{each.operation} ({each.unsupported or '?'})" for each in refused)
    return _check("schema", "warn" if refused or accepted < len(found) else "ok", words)
