"""The activities: the calls of `client.fleet`, each with a heartbeat. The client is the worker's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import anyio
from temporalio import activity

from tensorone.fleet import End, Look  # noqa: TC001 - Temporal reads the signatures

from ._values import LookTask, Outcome, RoundTask  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tensorone import TensorOne

T = TypeVar("T")

BEAT = 1.0  # seconds between two signs of life


class Activities:
    """What a worker does for fleets, with the client that it was given."""

    def __init__(self, client: TensorOne) -> None:
        self._client = client

    @activity.defn(name="tensorone-look")
    async def look(self, task: LookTask) -> Look:
        """One look."""
        return await _beating(self._client.fleet.look(task.fleet, task.members, others=task.others))

    @activity.defn(name="tensorone-round")
    async def round(self, task: RoundTask) -> Outcome:
        """One round. Temporal hands a round with an intent of its own to one worker at most: by that it may send."""
        intent = replace(task.intent, by=self._client.fleet.by) if task.new else task.intent
        taken = self._client.fleet.round(task.order, look=task.look, own_bids=task.own_bids, intent=intent)
        return await _beating(taken)

    @activity.defn(name="tensorone-end")
    async def end(self, action: End) -> None:
        """Ends a cluster."""
        await _beating(self._client.fleet.end(action.cluster_id, how=action.how))


async def _beating(work: Awaitable[T]) -> T:
    """What it comes to, with signs of life in between; a worker that gives none is replaced."""
    found: list[T] = []
    failed: list[Exception] = []
    beats = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(_beat, beats)
        try:
            found.append(await work)
        except Exception as error:  # noqa: BLE001 - raised below, out of the group and as it is
            failed.append(error)
        beats.cancel()
    if failed:
        raise failed[0]
    return found[0]


async def _beat(scope: anyio.CancelScope) -> None:
    with scope:
        while True:
            activity.heartbeat()
            await anyio.sleep(BEAT)
