"""`ls` and `show`: the account's clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, ClusterIds, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorone._cli._output.shapes import ClusterDocument


async def ls(
    *,
    where: Literal["up", "starting", "exited", "expired"] | None = None,
    all_: Annotated[bool, Parameter(name=("--all", "-a"))] = False,
    common: Common = COMMON,
) -> Reply:
    """List the clusters of the account.

    Price, kind and GPU type are shown where the server or our own label tells
    them, else `?`. Completion offers the ids of the last listing.

    Example: tensorone ls --where up

    Args:
        where: Only these; `expired` are past their --expires.
        all_: Terminated ones too, as long as they are listed.
    """
    from tensorone._cli import clusters
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import profile_of, service
    from tensorone._cli.worst_case import account_line

    async with service(common) as client:
        known = await clusters.account(client)
        footer = None if terminal().quiet or terminal().json else await account_line(client, None)
    profile = profile_of(common)
    found = clusters.documents(known, http_url=profile.http_url if profile else None)
    found = [each for each in found if _wanted(each, where) and (all_ or each["status"] != "terminated")]
    count = words.several(len(found), "cluster")
    footer = f"{count}; the account {footer}" if footer else count
    return Reply({"clusters": found}, terminal().drawn(clusters.listing(found)) if found else None, footer)


def _wanted(cluster: ClusterDocument, where: str | None) -> bool:
    if where == "expired":
        from datetime import UTC, datetime

        return cluster["expires_at"] is not None and cluster["expires_at"] <= (words.moment(datetime.now(UTC)) or "")
    return where in {None, cluster["status"]}


async def show(ids: ClusterIds, /, *, common: Common = COMMON) -> Reply:
    """Show everything about clusters; of their environment, the names.

    Example: tensorone show gxbi2zf5l0s9wo

    Args:
        ids: The clusters.
    """
    from tensorone._cli import clusters
    from tensorone._cli.service import profile_of, service

    async with service(common) as client:
        known = await clusters.named(client, ids)
    profile = profile_of(common)
    found = clusters.documents(known, http_url=profile.http_url if profile else None)
    return Reply({"clusters": found}, "\n\n".join(_described(each) for each in found))


def _described(cluster: ClusterDocument) -> str:
    from tensorone._cli._output.documents import reached_at

    gpu = cluster["gpu"]
    ended = {"preemption": " (preempted)", "user": " (stopped by a person)"}.get(cluster["ended_by"] or "", "")
    rows: Sequence[tuple[str, str]] = (
        ("id", cluster["id"]),
        ("name", cluster["name"] or "-"),
        ("status", f"{cluster['status']}{ended}"),
        ("image", cluster["image"] or "-"),
        ("up", words.ago(cluster["uptime_seconds"])),
        ("GPUs", f"{'?' if gpu['count'] is None else gpu['count']} × {gpu['type'] or '?'}"),
        ("kind", (cluster["kind"] or "?").replace("_", "-")),
        ("costs", "?" if cluster["usd_per_hour"] is None else f"${words.dollars(cluster['usd_per_hour'])} an hour"),
        ("volume", "?" if cluster["volume_gb"] is None else f"{cluster['volume_gb']:.0f} GB"),
        ("machine", cluster["machine_id"] or "-"),
        (
            "ports",
            ", ".join(f"{each['private']}/{each['protocol']} {reached_at(each)}" for each in cluster["ports"]) or "-",
        ),
        ("env", ", ".join(cluster["env"]) or "-"),
        ("expires", cluster["expires_at"] or "never"),
        ("token", cluster["client_token"] or "-"),
    )
    return "\n".join(f"{name:<8}  {value}" for name, value in rows)
