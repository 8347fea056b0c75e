"""`stop`, `terminate` and `reap`: clusters that are looked up before anything is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, ClusterId, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorone import Reaped, TensorOne
    from tensorone._cli.clusters import Known

Action = Literal["stop", "terminate"]


async def stop(
    *ids: ClusterId,
    all_expired: bool = False,
    wait: Annotated[bool, Parameter(negative="--no-wait")] = False,
    common: Common = COMMON,
) -> Reply:
    """Stop clusters: ends the bill for GPUs; volumes stay, and stay billed.

    Example: tensorone stop gxbi2zf5l0s9wo

    Args:
        ids: The clusters.
        all_expired: Those past their --expires.
        wait: Until they are listed as exited.
    """
    return await _end("stop", ids, common, all_expired=all_expired, wait=wait)


async def terminate(
    *ids: ClusterId,
    all_expired: bool = False,
    wait: Annotated[bool, Parameter(negative="--no-wait")] = False,
    common: Common = COMMON,
) -> Reply:
    """Terminate clusters: deletes them with their volumes. Asks first.

    Example: tensorone terminate gxbi2zf5l0s9wo --yes

    Args:
        ids: The clusters.
        all_expired: Those past their --expires.
        wait: Until they are gone from the list.
    """
    return await _end("terminate", ids, common, all_expired=all_expired, wait=wait)


async def _end(action: Action, ids: Sequence[str], common: Common, *, all_expired: bool, wait: bool) -> Reply:
    from tensorone._cli import clusters
    from tensorone._cli._output.failures import failed
    from tensorone._cli.service import service

    if bool(ids) == all_expired:
        raise failed("invalid_argument", "name clusters, or --all-expired", hint=f"tensorone {action} --help")
    async with service(common) as client:
        if all_expired:
            due = await client.clusters.reap(action=action, dry_run=True)
            ids = [each.cluster.id for each in due]
        if not ids:
            return Reply({"clusters": []}, None, "no cluster is past its time")
        known = await clusters.named(client, ids)
        if action == "terminate":
            await _agreed(known)
        return await _ended(client, action, known, wait=wait)


async def _agreed(known: Sequence[Known]) -> None:
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.clusters import documents, gpus_text

    rows: list[str] = []
    for each in documents(known):
        volume = f"{each['volume_gb']:.0f} GB" if each["volume_gb"] is not None else "?"
        price = f"${words.dollars(each['usd_per_hour'])}/h"
        cells = [each["id"], each["name"] or "-", each["status"], gpus_text(each), price, f"volume {volume}"]
        rows.append("  " + "  ".join(cells))
    what = words.several(len(known), "cluster")
    await terminal().confirm(
        [f"Terminate {what}; data on {'its volume' if len(known) == 1 else 'their volumes'} is deleted:", *rows],
        otherwise=f"this deletes {what} with all data",
    )


async def _ended(client: TensorOne, action: Action, known: Sequence[Known], *, wait: bool) -> Reply:
    from tensorone import fan_out
    from tensorone._cli._output.documents import cluster_document, failed_document
    from tensorone._cli._output.failures import failure_of, failure_of_several
    from tensorone._cli._output.progress import Progress
    from tensorone._errors import TensorOneError

    progress, done = Progress(), "stopped" if action == "stop" else "terminated"

    async def one(each: Known) -> None:
        name = each.cluster.id
        progress.at(name, "ending …", name, moving=True) if len(known) > 1 else None
        try:
            await (client.clusters.stop(name) if action == "stop" else client.clusters.terminate(name))
            if wait:
                await _gone(client, action, name)
        except TensorOneError as error:
            progress.at(name, f"failed: {failure_of(error).code}", name, moving=False)
            raise
        progress.at(name, done, name, moving=False)

    with progress.drawn():
        outcomes = await fan_out(one, known)
    failures = [failure_of(each.error, ids=[each.item.cluster.id]) for each in outcomes if each.error is not None]
    documents = [cluster_document(each.item.cluster, each.item.bill) for each in outcomes]
    for document, outcome in zip(documents, outcomes, strict=True):
        if outcome.error is None:
            document["status"] = "exited" if action == "stop" else "terminated"
            document["usd_per_hour"], document["ports"], document["uptime_seconds"] = None, [], None
        else:
            document["error"] = failed_document(failure_of(outcome.error, ids=[document["id"]]))
    failure = failure_of_several(failures, of=len(known), what=f"could not be {done}")
    return Reply({"clusters": documents}, failure=failure, footer=_saved(known, done) if not failures else None)


async def _gone(client: TensorOne, action: Action, cluster_id: str) -> None:
    """Waits until the account shows it, ten minutes at most."""
    from tensorone._cli.waiting import until

    await until(client, cluster_id, "exited" if action == "stop" else "gone", timeout=600)


def _saved(known: Sequence[Known], done: str) -> str | None:
    ran = [each.usd_per_hour for each in known if each.cluster.runtime is not None]
    volumes = "; volumes stay billed" if done == "stopped" else ""
    return f"{words.total(ran)} less{volumes}" if any(ran) else None


async def _reaped(client: TensorOne, action: Action, *, dry_run: bool) -> Sequence[Reaped]:
    from tensorone._cli import clusters

    found = await client.clusters.reap(action=action, dry_run=True)
    if dry_run or not found:
        return found
    if action == "terminate":
        await _agreed([clusters.Known(each.cluster, None) for each in found])
    return await client.clusters.reap(action=action, dry_run=False)


async def reap(
    action: Action,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative="--no-dry-run")] = True,
    common: Common = COMMON,
) -> Reply:
    """End clusters that are past their time; shows them unless told to do it.

    Only clusters rented with --expires (or `expires_in`) have a time.

    Example: tensorone reap terminate --no-dry-run

    Args:
        action: What to do with them.
        dry_run: Only show them, which is the default; --no-dry-run ends them.
    """
    from tensorone._cli import clusters
    from tensorone._cli._output.documents import cluster_document, failed_document
    from tensorone._cli._output.failures import failure_of, failure_of_several
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    async with service(common) as client:
        found = await _reaped(client, action, dry_run=dry_run)
    documents = [cluster_document(each.cluster, None) for each in found]
    for document, each in zip(documents, found, strict=True):
        if each.done:
            document["status"] = "exited" if action == "stop" else "terminated"
        if each.error is not None:
            document["error"] = failed_document(failure_of(each.error, ids=[document["id"]]))
    failures = [failure_of(each.error, ids=[each.cluster.id]) for each in found if each.error is not None]
    count = words.several(len(found), "cluster")
    would = "" if not dry_run or not found else f"; to {action}: tensorone reap {action} --no-dry-run"
    text = terminal().drawn(clusters.listing(documents)) if documents else None
    failure = failure_of_several(failures, of=len(found), what="could not be ended")
    return Reply(
        {"clusters": documents}, text, f"{count} past {'its' if len(found) == 1 else 'their'} time{would}", failure
    )
