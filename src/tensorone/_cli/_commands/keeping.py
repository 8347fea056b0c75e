"""`keep`: spot clusters kept running, within a ceiling and a budget."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, ClusterIds, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from decimal import Decimal

    from rich.console import RenderableType

    from tensorone import ClusterSpec, TensorOne
    from tensorone._cli.clusters import Known
    from tensorone._fleet.events import Event

LINES = 8  # events shown on a terminal


async def keep(
    ids: ClusterIds,
    /,
    *,
    ceiling: Annotated[float, Parameter(alias="-b", metavar="USD")],
    budget: Annotated[float | None, Parameter(metavar="USD")] = None,
    state: Annotated[str | None, Parameter(metavar="FILE")] = None,
    gpu: Annotated[str | None, Parameter(alias="-g", metavar="NAME")] = None,
    every: Annotated[str, Parameter(metavar="TIME")] = "15s",
    common: Common = COMMON,
) -> Reply:
    """Keep spot clusters running where they are: bids again when preempted.

    Runs until Ctrl-C; what runs then runs on. Asks first. A cluster that you
    stop is started again as well: end this first.

    Example: tensorone keep d62t7qg9n5vtan --ceiling 0.30 --budget 20

    Args:
        ids: The clusters.
        ceiling: Highest bid, US dollars per GPU and hour.
        budget: US dollars after which nothing is bid for any more.
        state: File to go on from after a restart, for its owner alone.
        gpu: Their GPU type, where the server does not tell it.
        every: Time between polls.
    """
    from decimal import Decimal

    from tensorone import BidPolicy
    from tensorone._cli import clusters
    from tensorone._cli._output.failures import failed
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    try:
        pause = words.seconds(every)
    except ValueError as error:
        raise failed("invalid_argument", f"--every: {error}") from None
    shown, most = terminal(), Decimal(str(ceiling))
    shown.streams = True
    file = None if state is None else Path(state)
    async with service(common) as client:
        known = await clusters.named(client, ids)
        specs = await _specs(client, known, gpu)
        await _agreed(specs, most, budget)
        kept = client.spot.keep_running(
            specs,
            bidding=BidPolicy(ceiling=most),
            every=pause,
            budget=budget,
            state=_saved(file) if file else None,
            on_state=(lambda text: _save(file, text)) if file else None,
        )
        seen = _Kept(list(specs), most)
        async with kept as events:
            with seen.drawn():
                async for event in events:
                    seen.saw(event)
    return Reply()


async def _specs(client: TensorOne, known: Sequence[Known], gpu: str | None) -> dict[str, ClusterSpec]:
    """The spec of each cluster, as far as it shows: what bids and prices need."""
    from tensorone import ClusterSpec
    from tensorone._cli._output.failures import failed
    from tensorone._cli.gpu_names import matching

    catalogue = await client.gpu_types.list()
    specs: dict[str, ClusterSpec] = {}
    for each in known:
        name = gpu or (each.bill.gpu_type if each.bill else None)
        if name is None:
            raise failed("invalid_argument", f"the GPU type of {each.cluster.id} is not known: add --gpu")
        specs[each.cluster.id] = ClusterSpec(
            image_name=each.cluster.image_name or "unknown",
            gpu_type_id=matching(name, catalogue),
            gpu_count=(each.bill.gpu_count if each.bill else None) or 1,
            volume_in_gb=None if each.bill is None or each.bill.volume_in_gb is None else int(each.bill.volume_in_gb),
        )
    return specs


async def _agreed(specs: dict[str, ClusterSpec], ceiling: Decimal, budget: float | None) -> None:
    from tensorone._cli._output.terminal import terminal

    hourly = sum((ceiling * spec.gpu_count for spec in specs.values()), start=ceiling * 0)
    limit = f"until ${words.dollars(budget)} are spent" if budget is not None else "without a budget, until Ctrl-C"
    text = f"bids up to ${words.dollars(hourly)} an hour, {limit}"
    await terminal().confirm(
        [
            f"Keep {words.several(len(specs), 'spot cluster')} running: {words.listed(list(specs))}",
            f"  GPUs     {text}",
        ],
        otherwise=f"this {text}",
    )


def _saved(file: Path) -> str | None:
    from tensorone._cli._output.failures import failed

    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise failed("configuration", f"--state {file}: {error}") from None


def _save(file: Path, text: str) -> None:
    """Writes the state in one step, for its owner alone."""
    import os

    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(file)


class _Kept:
    """The fleet as its events tell it."""

    def __init__(self, ids: Sequence[str], ceiling: Decimal) -> None:
        self._states = dict.fromkeys(ids, "kept")
        self._ceiling = ceiling
        self._lines: deque[str] = deque(maxlen=LINES)
        self._live = False

    def saw(self, event: Event) -> None:
        """Shows one event."""
        from datetime import UTC, datetime

        from tensorone._cli._output.terminal import terminal

        kind, cluster_id, text = described(event)
        if cluster_id is not None:
            self._states[cluster_id] = text
        at, shown = words.moment(datetime.now(UTC)) or "", terminal()
        if shown.json:
            shown.document({"version": 1, "at": at, "event": kind, "id": cluster_id, "message": text})
        elif self._live:
            self._lines.append(f"{at[11:19]}  {cluster_id or 'fleet'}  {text}")
        else:
            shown.data(f"{at}  {cluster_id or 'fleet'}  {text}")

    def __rich__(self) -> RenderableType:
        """What is drawn: each cluster's last event, and the last of all."""
        from rich.console import Group

        from tensorone._cli._output.tables import table

        rows = [(name, text) for name, text in self._states.items()]
        footer = f"ceiling ${words.dollars(self._ceiling)} per GPU and hour; Ctrl-C ends, and what runs runs on"
        return Group(table(("ID", "STATE~"), rows), "", footer, *self._lines)

    def drawn(self) -> AbstractContextManager[object]:
        """Draws it on a terminal while the block runs."""
        from tensorone._cli._output.terminal import console_for, terminal

        if not terminal().watched:
            return nullcontext()
        from rich.live import Live

        self._live = True
        return Live(self, console=console_for(sys.stdout), refresh_per_second=4)


def described(event: Event) -> tuple[str, str | None, str]:  # noqa: PLR0911 - one for each kind
    """An event as a word of JSON, the cluster it is about, and as a person reads it."""
    from tensorone import BidMade, BudgetReached, GaveUp, Moved, Preempted, Recovered, StatusUnknown

    match event:
        case Preempted(cluster_id=name, gone=gone):
            return "preempted", name, "is gone" if gone else "stopped: preempted, or by a person"
        case BidMade(cluster_id=name, bid_per_gpu=bid, answer=answer):
            return "bid", name, f"bid ${words.dollars(bid)} per GPU: {answer}"
        case Recovered(cluster_id=name, bid_per_gpu=bid):
            return "recovered", name, f"runs again at ${words.dollars(bid)} per GPU"
        case Moved(old_cluster_id=old, cluster_id=name, bid_per_gpu=bid):
            return "moved", name, f"runs in place of {old} at ${words.dollars(bid)} per GPU"
        case GaveUp(cluster_id=name, reason=reason):
            return "gave_up", name, f"given up: {reason}"
        case StatusUnknown(cluster_id=name, status=status):
            return "status_unknown", name, f"has the status {status}, of which nothing is known"
        case BudgetReached(spent=spent, limit=limit):
            return "budget_reached", None, f"no more bids: {limit} reached, ${words.dollars(spent)} spent"
        case _:
            raise AssertionError(event)
