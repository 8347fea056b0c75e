"""Several searches for spot clusters side by side: all of them, or what can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import anyio

from . import _aftermath
from ._errors import InvalidArgument, TensorOneError
from ._fan_out import fan_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._acquire import Search
    from ._ledger import SpotRental
    from ._outcomes import Outcome
    from ._session import Session

Mode = Literal["all_or_nothing", "best_effort"]


class Group:
    """The clusters of one call: what was won, and what ends the whole of it."""

    def __init__(self, session: Session, count: int, mode: Mode) -> None:
        if mode not in get_args(Mode):
            raise InvalidArgument("mode", f"must be 'all_or_nothing' or 'best_effort', not {mode!r}")
        self._session = session
        self._count = count
        self._mode = mode
        self._won: list[str] = []
        self._failure: TensorOneError | None = None

    async def run(self, searches: Sequence[Search], timeout: float) -> list[Outcome[int, SpotRental]]:
        """Searches at full width: a search mostly waits."""
        outcomes: list[Outcome[int, SpotRental]] = []
        try:
            with anyio.CancelScope() as scope:

                async def one(index: int) -> SpotRental:
                    try:
                        rental = await searches[index].run(timeout)
                    except TensorOneError as error:
                        if self._mode == "all_or_nothing":
                            self._failure = self._failure or error
                            scope.cancel()
                        raise
                    self._won.append(rental.cluster.id)
                    return rental

                outcomes = await fan_out(one, range(self._count), limit=self._count)
        except BaseException:
            await self._give_back()
            raise
        if self._failure is not None:
            if left := await self._give_back():
                self._failure.billing = f"clusters {', '.join(left)} may still run: terminate them"
            raise self._failure
        return outcomes

    async def _give_back(self) -> list[str]:
        """Terminates what was won, beyond the reach of cancellation; what could not be in time."""
        left = set(self._won)

        async def one(cluster_id: str) -> None:
            await _aftermath.end(self._session, cluster_id)
            left.discard(cluster_id)

        async def all_of_them() -> None:
            async with anyio.create_task_group() as group:
                for cluster_id in tuple(left):
                    group.start_soon(one, cluster_id)

        await _aftermath.shielded(all_of_them, within=self._session.settle_time + _aftermath.GRACE)
        return sorted(left)
