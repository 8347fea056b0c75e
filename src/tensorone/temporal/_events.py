"""Reading the events of a fleet, by one reader of many, that may come back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import anyio

from ._workflow import FleetWorkflow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Self

    from temporalio.client import WorkflowHandle

    from ._values import Event, Told

    Found = Callable[[], Awaitable[list[tuple[WorkflowHandle[FleetWorkflow, None], bool]]]]


class FleetEvents:
    """An async iterator of a fleet's events, made by ``DurableFleet.events``; it ends when the fleet has ended.

    Attributes:
        position: The number of the last event that was handed out, by shard: what another reader continues from.
        missed: Events that were no longer kept when this reader asked for them.
    """

    def __init__(self, found: Found, after: Mapping[int, int], every: float) -> None:
        self._found = found
        self._every = every
        self._unread: deque[tuple[int, Told]] = deque()
        self.position: dict[int, int] = dict(after)
        self.missed = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._unread:
            ended = not await self._read()
            if not self._unread:
                if ended:
                    raise StopAsyncIteration
                await anyio.sleep(self._every)
        shard, told = self._unread.popleft()
        self.missed += told.number - self.position.get(shard, 0) - 1
        self.position[shard] = told.number
        return told.event

    async def _read(self) -> bool:
        """Asks all shards; whether the fleet is still kept."""
        found = await self._found()
        for shard, (handle, _) in enumerate(found):
            told = await handle.query(FleetWorkflow.told, self.position.get(shard, 0))
            self._unread.extend((shard, each) for each in told)
        return any(runs for _, runs in found)
