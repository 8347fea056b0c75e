"""`ports` and `ssh`: how a cluster is reached from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._cli.options import COMMON, ClusterId, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tensorone._cli._output.shapes import ClusterDocument, PortDocument

SSH = 22
CONNECT_SECONDS = 5.0


async def ports(
    cluster_id: ClusterId, port: int | None = None, /, *, check: bool = False, common: Common = COMMON
) -> Reply:
    """Show how the ports of a cluster are reached.

    A tcp port has a public address. An http port is behind the service's proxy,
    whose address is shown where the profile has `http_url`. Port 22 is listed
    minutes before it answers: --check tells.

    Example: tensorone ports gxbi2zf5l0s9wo 8888 --check

    Args:
        cluster_id: The cluster.
        port: This one only, by its number inside.
        check: Connect to them; exit status 1 if one does not answer.
    """
    from tensorone import fan_out
    from tensorone._cli import clusters
    from tensorone._cli._output.failures import Failure, failed
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import profile_of, service

    async with service(common) as client:
        known = await clusters.named(client, [cluster_id])
    profile = profile_of(common)
    (found,) = clusters.documents(known, http_url=profile.http_url if profile else None)
    found["ports"] = [each for each in found["ports"] if port in {None, each["private"]}]
    if not found["ports"]:
        what = "no port is open" if port is None else f"port {port} is not open"
        raise failed("not_found", f"{what} on cluster {cluster_id}, which is {found['status']}", ids=[cluster_id])
    if check:
        for outcome in await fan_out(_reached, found["ports"]):
            outcome.item["reached"] = outcome.unwrap()
    deaf = [f"{each['private']}/{each['protocol']}" for each in found["ports"] if each["reached"] is False]
    failure = None
    if deaf:
        failure = Failure(code="connection_failed", message=f"no answer on {', '.join(deaf)}", ids=(cluster_id,))
    return Reply({"clusters": [found]}, terminal().drawn(_table(found, checked=check)), failure=failure)


def _table(cluster: ClusterDocument, *, checked: bool) -> Table:
    from tensorone._cli._output.documents import reached_at
    from tensorone._cli._output.tables import table

    answers = {True: "ok", False: "fail", None: "-"}
    columns = ("PORT", "ADDRESS", *(("ANSWERS",) if checked else ()))
    rows = [
        (f"{each['private']}/{each['protocol']}", reached_at(each), *((answers[each["reached"]],) if checked else ()))
        for each in cluster["ports"]
    ]
    return table(columns, rows)


async def _reached(port: PortDocument) -> bool | None:
    """Whether it answers; None where nobody knows its address. ssh must say its name, which it does late."""
    import anyio

    target = _target(port)
    if target is None:
        return None
    with anyio.move_on_after(CONNECT_SECONDS):
        try:
            async with await anyio.connect_tcp(*target) as stream:
                return port["private"] != SSH or (await stream.receive()).startswith(b"SSH-")
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError):
            return False
    return False


def _target(port: PortDocument) -> tuple[str, int] | None:
    from urllib.parse import urlsplit

    if port["url"]:
        parts = urlsplit(port["url"])
        return (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)) if parts.hostname else None
    return (port["ip"], port["public"]) if port["public_ip"] and port["ip"] and port["public"] else None


async def ssh(cluster_id: ClusterId, /, *, user: str = "root", common: Common = COMMON) -> Reply:
    """Run the system's ssh to a cluster; a command for it comes after `--`.

    The exit status is that of ssh.

    Example: tensorone ssh gxbi2zf5l0s9wo -- nvidia-smi

    Args:
        cluster_id: The cluster.
        user: Who to log in as.
    """
    from tensorone._cli import clusters
    from tensorone._cli._output.failures import failed
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    async with service(common) as client:
        (found,) = clusters.documents(await clusters.named(client, [cluster_id]))
    address = next((_target(each) for each in found["ports"] if each["private"] == SSH), None)
    if address is None:
        raise failed("not_found", f"port 22 is not open on cluster {cluster_id}, which is {found['status']}")
    host, port = address
    return Reply(then=_command(user, host, port, terminal().rest))


def _command(user: str, host: str, port: int, rest: Sequence[str]) -> tuple[str, ...]:
    return ("ssh", "-p", str(port), f"{user}@{host}", *(("--", *rest) if rest else ()))
