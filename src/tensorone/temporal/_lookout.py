"""When the shards of an account look, and what they tell each other by that: one listing, and all their bids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from temporalio.exceptions import ApplicationError

from tensorone import TensorOneError

from ._values import Looked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tensorone import TensorOne

    from ._values import Bids, LookTask

FINDING = 10.0  # seconds until a worker that begins to act has been found by every shard's look, and an interval


@dataclass(frozen=True, slots=True)
class Told:
    """What a shard told with a look: of anyio's clock when, how often it looks, and the bids that hold its clusters."""

    at: float
    every: float
    bids: Bids


class Lookout:
    """The looks of the worker that acts for an account.

    Shards of one interval look at the same moments, so that what the first one asks for serves all of them.
    """

    def __init__(self, client: TensorOne) -> None:
        self._client = client
        self._began = anyio.current_time()
        self._left = anyio.Event()
        self._latest: dict[str, float] = {}
        self._told: dict[str, Told] = {}

    def leave(self) -> None:
        """Looks that wait for their time are left to another worker."""
        self._left.set()

    async def look(self, task: LookTask, shard: str) -> Looked:
        """One look, at the shard's next moment: the first one at once, where it has had none in this interval.

        Args:
            task: What to look for.
            shard: Whose look it is.

        Raises:
            ApplicationError: The worker ends before it is time.
            TensorOneError: The look failed.
        """
        every = task.fleet.every
        moment = turn(anyio.current_time(), every, None if task.at_once else self._latest.get(shard))
        with anyio.move_on_after(moment - anyio.current_time()):
            await self._left.wait()
        if self._left.is_set():
            raise ApplicationError("The worker ends; another one looks.", type="WorkerEnds")
        now = anyio.current_time()
        self._told[shard] = Told(now, every, task.own_bids)
        age = 0.0 if task.at_once else now - begun_at(now, every)
        self._latest[shard] = now
        try:
            look = await self._client.fleet.look(task.fleet, task.members, others=task.others, max_age=age)
        except TensorOneError as error:
            if error.repeatable:
                del self._latest[shard]  # Temporal repeats it
            raise
        return Looked(look=look, other_bids=self._other_bids(shard, every))

    def _other_bids(self, shard: str, every: float) -> Bids | None:
        now = anyio.current_time()
        if now < self._began + FINDING + every:
            return None
        self._told = {each: told for each, told in self._told.items() if now <= told.at + FINDING + 2 * told.every}
        return merged(told.bids for each, told in self._told.items() if each != shard)


def begun_at(now: float, every: float) -> float:
    """When the interval began that it is; the same for all who ask, whenever they began."""
    return now // every * every


def turn(now: float, every: float, latest: float | None) -> float:
    """When to look: now, or where the latest look was in this interval already, when the next one begins."""
    begun = begun_at(now, every)
    return begun + every if latest is not None and latest >= begun else now


def merged(bids: Iterable[Bids]) -> dict[str, tuple[Decimal, ...]]:
    """All of them, by GPU type, each amount once."""
    found: dict[str, dict[Decimal, None]] = {}
    for each in bids:
        for name, amounts in each.items():
            found.setdefault(name, {}).update(dict.fromkeys(amounts))
    return {name: tuple(sorted(amounts)) for name, amounts in found.items()}
