"""`watch`: the account's clusters as they change."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, ClusterId, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

    from tensorone import Cluster, ClusterBill, TensorOne
    from tensorone._cli._output.shapes import ClusterDocument
    from tensorone._clusters.changes import Change

LINES = 6  # changes shown below the table


async def watch(
    *ids: ClusterId, every: Annotated[str, Parameter(metavar="TIME")] = "5s", common: Common = COMMON
) -> Reply:
    """Watch clusters: a table that moves, or a line per change when piped.

    With --json, one object per line. Ends when all that were named are gone, or
    by Ctrl-C.

    Example: tensorone watch --every 2s

    Args:
        ids: The clusters; all of the account without, future ones too.
        every: Time between polls.
    """
    from tensorone._cli._output.failures import failed
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    try:
        pause = words.seconds(every)
    except ValueError as error:
        raise failed("invalid_argument", f"--every: {error}") from None
    shown = terminal()
    shown.streams = shown.talked = True
    async with service(common) as client:
        watched = _Watched(client, ids)
        async with client.clusters.watch(ids or None, every=pause) as changes:
            with watched.drawn():
                async for change in changes:
                    await watched.saw(change)
                    if watched.over:
                        break
    return Reply()


class _Watched:
    """What is known of the clusters, and the last changes."""

    def __init__(self, client: TensorOne, ids: tuple[str, ...]) -> None:
        self._client = client
        self._left = set(ids)
        self._named = bool(ids)
        self._clusters: dict[str, Cluster] = {}
        self._bills: dict[str, ClusterBill] = {}
        self._lines: list[str] = []
        self._live = False

    @property
    def over(self) -> bool:
        """Whether all that were named are gone."""
        return self._named and not self._left

    async def saw(self, change: Change) -> None:
        """Shows one change; a new cluster or status has a new bill."""
        from tensorone import Appeared, Gone, StatusChanged
        from tensorone._errors import TensorOneError

        if isinstance(change, Appeared | StatusChanged):
            with suppress(TensorOneError):  # prices only say more of what is shown
                self._bills = {each.cluster_id: each for each in await self._client.clusters.bills()}
        cluster: Cluster | None = None if isinstance(change, Gone) else getattr(change, "cluster", None)
        if cluster is None:
            self._clusters.pop(change.cluster_id, None)
            self._left.discard(change.cluster_id)
        else:
            self._clusters[change.cluster_id] = cluster
        self._show(change, None if cluster is None else self._document(cluster))

    def _document(self, cluster: Cluster) -> ClusterDocument:
        from tensorone._cli._output.documents import cluster_document

        return cluster_document(cluster, self._bills.get(cluster.id))

    def _show(self, change: Change, cluster: ClusterDocument | None) -> None:
        from tensorone._cli._output.terminal import terminal

        kind, text = described(change, cluster)
        at = _now()
        shown = terminal()
        if shown.json:
            document = {"version": 1, "at": at, "change": kind, "id": change.cluster_id, "message": text}
            shown.document({**document, "cluster": cluster})
        elif self._live:
            self._lines = [*self._lines, f"{at[11:19]}  {change.cluster_id}  {text}"][-LINES:]
        else:
            shown.data(f"{at}  {change.cluster_id}  {text}")

    def __rich__(self) -> RenderableType:
        """What is drawn: the table, what it costs, and the last changes."""
        from rich.console import Group

        from tensorone._cli.clusters import listing

        documents = [self._document(each) for each in self._clusters.values()]
        running = [each["usd_per_hour"] for each in documents if each["status"] in {"up", "starting"}]
        cost = f"; {words.total(running)}" if running else ""
        footer = f"{words.several(len(documents), 'cluster')}{cost}; Ctrl-C ends"
        return Group(listing(documents), "", footer, *self._lines)

    def drawn(self) -> AbstractContextManager[object]:
        """Draws it on a terminal while the block runs."""
        from tensorone._cli._output.terminal import console_for, terminal

        if not terminal().watched:
            return nullcontext()
        from rich.live import Live

        self._live = True
        return Live(self, console=console_for(sys.stdout), refresh_per_second=4)


def described(change: Change, cluster: ClusterDocument | None) -> tuple[str, str]:
    """A change as a word of JSON, and as a person reads it."""
    from tensorone import Appeared, Gone, PortsChanged, RuntimeDown, RuntimeUp, StatusChanged

    match change:
        case Appeared():
            return "appeared", f"is {cluster['status'] if cluster else '?'}"
        case StatusChanged(before=before, after=after):
            ended = cluster["ended_by"] if cluster else None
            by = {"preemption": ": preempted", "user": ": stopped by a person"}
            return "status", f"{before.lower()} → {after.lower()}{by.get(ended or '', '')}"
        case RuntimeUp(restarted=restarted):
            return "up", "is up" + (", restarted" if restarted else "")
        case RuntimeDown():
            return "down", "its container is down"
        case PortsChanged(opened=opened, closed=closed):
            signs = [f"+{each.private_port}" for each in opened] + [f"-{each.private_port}" for each in closed]
            return "ports", f"ports {' '.join(signs)}"
        case Gone():
            return "gone", "is gone"
        case _:
            raise AssertionError(change)


def _now() -> str:
    from datetime import UTC, datetime

    return words.moment(datetime.now(UTC)) or ""
