"""What clean-up is about and what came of it, in the log: at once, a line per cluster, and what is left at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from tensorone._events.cleanup import Cleaned, Cleaning

if TYPE_CHECKING:
    from tensorone._events.emitter import Emitter


class Interruptions:
    """The clean-ups under way of one client; those that begin together are announced together."""

    def __init__(self, events: Emitter) -> None:
        self._events = events
        self._under_way: dict[str, float] = {}
        self._left: list[str] = []
        self._unsure: list[str] = []
        self._announced = False
        self._calls = 0

    async def begin(self, what: str, *, within: float) -> None:
        """Announces it; to be called where no cancellation interrupts.

        Args:
            what: The interrupted call, such as ``"a rental with the client token …"``.
            within: Seconds that its clean-up may take.
        """
        self._under_way[what] = within
        self._calls += 1
        if self._announced:
            return
        self._announced = True
        for _ in range(3):  # others that the same cancellation interrupted begin meanwhile
            await anyio.lowlevel.checkpoint()
        under_way = self._under_way
        self._events.emit(Cleaning, calls=tuple(under_way), within=max(under_way.values(), default=within))

    def end(
        self,
        what: str,
        words: str,
        *,
        cluster_id: str | None = None,
        left: str | None = None,
        unsure: str | None = None,
    ) -> None:
        """One line on what became of it.

        Args:
            what: As in `begin`.
            words: What became of it.
            cluster_id: The cluster that it had rented or started, if that is known.
            left: What may still run because of it; a cluster's id where that is known.
            unsure: The token of a rental of which nothing was found.
        """
        kept = () if left is None else (left,)
        self._events.emit(Cleaned, call=what, text=words, cluster_id=cluster_id, left=kept)
        self._under_way.pop(what, None)
        if left is not None:
            self._left.append(left)
        if unsure is not None:
            self._unsure.append(unsure)
        if not self._under_way:
            self._over()

    def _over(self) -> None:
        left, unsure, self._left, self._unsure = self._left, self._unsure, [], []
        calls, self._calls, self._announced = self._calls, 0, False
        if calls <= 1 and not left and not unsure:
            return  # its own line says it all
        words = f"may still run: {'; '.join(left)}" if left else "nothing of these calls is known to be left running"
        if unsure:
            words += f". To be sure, search again with client.clusters.find: {', '.join(unsure)}"
        self._events.emit(Cleaned, call=None, text=f"clean-up is over: {words}", left=tuple(left))
