"""`doctor`: whether key, network, clock and schema are as they should be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from tensorone import TensorOne
    from tensorone._cli._output.shapes import Check
    from tensorone._http.route import Route

CLOCK_SECONDS = 30.0  # by which clocks may differ before deadlines are read wrongly


async def doctor(*, common: Common = COMMON) -> Reply:
    """Check key, network, clock, schema and spot; executes nothing.

    Example: tensorone doctor
    """
    from tensorone._cli._output.failures import CommandFailed, Failure, failure_of
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import profile_of, service, source_of
    from tensorone._errors import TensorOneError
    from tensorone._http.route import route

    checks: list[Check] = []
    failure: Failure | None = None
    try:
        profile = profile_of(common)
        way = await route(profile.url if profile else None)
        checks.append(_check("version", "ok", f"{_version()}, requests by {way.library}"))
        async with service(common) as client:
            await _ask(client, source_of(profile), way, checks)
    except (TensorOneError, CommandFailed) as error:
        failure = failure_of(error)
        checks = checks or [_check("version", "ok", _version())]
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


async def _ask(client: TensorOne, source: str, way: Route, checks: list[Check]) -> None:
    import anyio

    from tensorone._errors import TensorOneError

    begun = anyio.current_time()
    await client.clusters.list()
    took = anyio.current_time() - begun
    checks.append(_check("key", "ok", f"{source}, accepted; whether it may rent is not tried"))
    checks.append(_network(way, took))
    checks.append(await _schema(client))
    try:
        quotes = await client.spot.quotes()
        stock = sum(each.available for each in quotes)
        checks.append(_check("spot", "ok", f"spot: {stock} of {len(quotes)} GPU types have stock"))
    except TensorOneError as error:
        checks.append(_check("spot", "warn", f"spot: {error}; spot, resume --ceiling and keep will fail"))


def _network(way: Route, took: float) -> Check:
    """Where to, how long it takes, through what, and whose clock is ahead."""
    proxy, ahead = "no proxy" if way.proxy is None else f"through proxy {way.proxy}", way.clock_ahead
    if ahead is None:
        clock = "the server tells no time"
    elif abs(ahead) < 1:  # the server's date has whole seconds
        clock = "clock as the server's"
    else:
        clock = f"clock {words.ago(abs(ahead))} {'behind' if ahead > 0 else 'ahead of'} the server"
    late = ahead is not None and abs(ahead) > CLOCK_SECONDS
    said = f"{way.place} in {took * 1000:.0f} ms, {proxy}; {clock}"
    return _check("network", "warn" if late else "ok", said + ("; --expires depends on it" if late else ""))


async def _schema(client: TensorOne) -> Check:
    found = await client.check_schema()
    refused = [each for each in found if each.verdict == "refused"]
    accepted = sum(each.verdict == "accepted" for each in found)
    said = f"schema: {accepted} of {len(found)} operations accepted, nothing executed"
    if refused:
        said += "; refused: " + ", ".join(f"{each.operation} ({each.unsupported or '?'})" for each in refused)
    return _check("schema", "warn" if refused or accepted < len(found) else "ok", said)
