"""`wait` and `resume`: clusters followed until they are where they are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, ClusterIds, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tensorone import BidPolicy, Cluster, TensorOne
    from tensorone._cli._output.shapes import ClusterDocument
    from tensorone._cli.clusters import Known


async def wait(
    ids: ClusterIds,
    /,
    *,
    for_: Annotated[str, Parameter(name=("--for", "-f"), metavar="STATE")] = "up",
    timeout: Annotated[str, Parameter(metavar="TIME")] = "600s",
    common: Common = COMMON,
) -> Reply:
    """Wait until clusters are up, have a port, are exited, or gone.

    Polls that fail for a while are repeated. Exit status 7 means that the time
    is over and the clusters are billed.

    Example: tensorone wait gxbi2zf5l0s9wo --for port:8888 --timeout 15m

    Args:
        ids: The clusters.
        for_: up, port:8888, exited or gone.
        timeout: How long at most, such as 90s or 15m.
    """
    from tensorone._cli import clusters
    from tensorone._cli.service import service
    from tensorone._cli.waiting import checked, until

    goal, limit = checked(for_), _seconds(timeout)
    async with service(common) as client:
        known = await clusters.named(client, ids)

        async def one(each: Known) -> Cluster | None:
            return await until(client, each.cluster.id, goal, timeout=limit)

        return await _followed(known, one, _Words("waiting …", goal if goal != "up" else "up"))


async def resume(
    ids: ClusterIds,
    /,
    *,
    gpus: Annotated[int, Parameter(alias="-c")] = 1,
    ceiling: Annotated[float | None, Parameter(alias="-b", metavar="USD")] = None,
    gpu: Annotated[str | None, Parameter(alias="-g", metavar="NAME")] = None,
    timeout: Annotated[str, Parameter(metavar="TIME")] = "600s",
    common: Common = COMMON,
) -> Reply:
    """Start stopped clusters where they are, as rented. Asks first.

    A spot cluster needs --ceiling. What was preempted or stopped decides how it
    is resumed; one that runs is left as it is.

    Example: tensorone resume d62t7qg9n5vtan --ceiling 0.30 --gpu a6000

    Args:
        ids: The clusters.
        gpus: GPUs to start with; 0 starts without, to reach the data.
        ceiling: Highest bid, US dollars per GPU and hour.
        gpu: Their GPU type, where the server does not tell it.
        timeout: How long to try and to wait.
    """
    from decimal import Decimal

    from tensorone import BidPolicy
    from tensorone._cli import clusters
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    limit = _seconds(timeout)
    bidding = None if ceiling is None else BidPolicy(ceiling=Decimal(str(ceiling)))
    async with service(common) as client:
        known = await clusters.named(client, ids)
        type_of = await _types(client, known, gpu)
        terminal().under_way = lambda: "resumes under way, whose outcome is looked up"
        most = await _agreed(client, known, type_of, gpus, ceiling)
        scope = client.limited(max_hourly_spend=most) if most else client

        async def one(each: Known) -> Cluster | None:
            return await _resumed(scope, each.cluster.id, type_of[each.cluster.id], gpus, bidding, limit)

        return await _followed(known, one, _Words("resuming …", "up"))


async def _resumed(
    client: TensorOne, cluster_id: str, gpu_type: str | None, gpus: int, bidding: BidPolicy | None, timeout: float
) -> Cluster:
    return await client.clusters.ensure_running(
        cluster_id, gpu_count=gpus, timeout=timeout, bidding=bidding, gpu_type_id=gpu_type, every=2.0
    )


async def _types(client: TensorOne, known: Sequence[Known], given: str | None) -> dict[str, str | None]:
    """The GPU type of each cluster: as given, else as its bill says it; None where nobody tells."""
    from tensorone._cli._output.failures import CommandFailed
    from tensorone._cli.gpu_names import matching

    catalogue = await client.gpu_types.list()
    if given is not None:
        found = matching(given, catalogue)
        return {each.cluster.id: found for each in known}

    def told(each: Known) -> str | None:
        try:
            return matching(each.bill.gpu_type, catalogue) if each.bill and each.bill.gpu_type else None
        except CommandFailed:
            return None

    return {each.cluster.id: told(each) for each in known}


async def _agreed(
    client: TensorOne, known: Sequence[Known], types: dict[str, str | None], gpus: int, ceiling: float | None
) -> float | None:
    """Asks; returns the most that was agreed to per hour, None where that is not known."""
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.worst_case import account_line

    if gpus == 0:
        worst, text = None, "without GPUs; disks are billed"
    elif ceiling is not None:
        worst = sum(ceiling * gpus for _ in known)
        text = (
            f"at most ${words.dollars(worst)} an hour (bids and fixed prices up to ${words.dollars(ceiling)} per GPU)"
        )
    else:
        prices = [await _fixed(client, types[each.cluster.id], gpus) for each in known]
        worst = None if None in prices else sum(each for each in prices if each is not None)
        text = f"at {words.total(prices)} at most (fixed price)"
    names = words.listed([each.cluster.id for each in known])
    lines = [f"Resume {words.several(len(known), 'cluster')}, {gpus} GPU each: {names}", f"  GPUs     {text}"]
    if not terminal().yes:
        from decimal import Decimal

        more = Decimal(str(worst)) if worst else None
        lines += [f"  account  {line}" for line in [await account_line(client, more)] if line]
    await terminal().confirm(lines, otherwise=f"this bills {text}")
    return worst or None


async def _fixed(client: TensorOne, gpu_type: str | None, gpus: int) -> float | None:
    """The highest list price of a type, all GPUs of one cluster together; None if it is not known or in stock."""
    from tensorone import ClusterSpec
    from tensorone._errors import TensorOneError

    if gpu_type is None:
        return None
    try:
        price = await client.clusters.highest_price(ClusterSpec(image_name="x", gpu_type_id=gpu_type, gpu_count=gpus))
    except TensorOneError:
        return None
    return None if price is None else float(price)


class _Words:
    """What is said while clusters are followed, and when they are there."""

    def __init__(self, moving: str, done: str) -> None:
        self.moving, self.done = moving, done


async def _followed(known: Sequence[Known], one: Callable[[Known], Awaitable[Cluster | None]], said: _Words) -> Reply:
    """All of them at once, one line each."""
    import anyio

    from tensorone import fan_out
    from tensorone._cli._output.documents import cluster_document, failed_document
    from tensorone._cli._output.failures import failure_of, failure_of_several
    from tensorone._cli._output.progress import Progress
    from tensorone._errors import TensorOneError

    progress = Progress()

    async def follow(each: Known) -> Cluster | None:
        name, begun = each.cluster.id, anyio.current_time()
        progress.at(name, said.moving, name)
        try:
            found = await one(each)
        except TensorOneError as error:
            progress.at(name, f"failed: {failure_of(error).code}", moving=False)
            raise
        progress.at(name, f"{said.done} after {words.ago(anyio.current_time() - begun)}", moving=False)
        return found

    with progress.drawn():
        outcomes = await fan_out(follow, known)
    documents: list[ClusterDocument] = []
    for each in outcomes:
        seen = each.value or getattr(each.error, "last_seen", None) or each.item.cluster
        document = cluster_document(seen, each.item.bill)
        if each.error is not None:
            document["error"] = failed_document(failure_of(each.error, ids=[seen.id]))
        elif each.value is None:
            document["status"] = "terminated"
        documents.append(document)
    failures = [failure_of(each.error, ids=[each.item.cluster.id]) for each in outcomes if each.error is not None]
    failure = failure_of_several(failures, of=len(known), what="did not get there")
    return Reply({"clusters": documents}, failure=failure)


def _seconds(text: str) -> float:
    from tensorone._cli._output.failures import failed

    try:
        return words.seconds(text)
    except ValueError as error:
        raise failed("invalid_argument", f"--timeout: {error}") from None
