"""What clean-up is about and what came of it, in the log: at once, a line per cluster, and what is left at the end."""

from __future__ import annotations

import logging

import anyio
import anyio.lowlevel

logger = logging.getLogger("tensorone")


class Interruptions:
    """The clean-ups under way of one client; those that begin together are announced together."""

    def __init__(self) -> None:
        self._under_way: dict[str, float] = {}
        self._left: list[str] = []
        self._unsure: list[str] = []
        self._announced = False

    async def begin(self, what: str, *, within: float) -> None:
        """Announces it; to be called where no cancellation interrupts.

        Args:
            what: The interrupted call, such as ``"a rental with the client token …"``.
            within: Seconds that its clean-up may take.
        """
        self._under_way[what] = within
        if self._announced:
            return
        self._announced = True
        for _ in range(3):  # others that the same cancellation interrupted begin meanwhile
            await anyio.lowlevel.checkpoint()
        under_way = self._under_way
        bound = f"for {max(under_way.values(), default=within):g} s at most"
        logger.warning("interrupted: finding out %s, what became of %s", bound, _named(list(under_way)))

    def end(self, what: str, words: str, *, left: str | None = None, unsure: str | None = None) -> None:
        """One line on what became of it.

        Args:
            what: As in `begin`.
            words: What became of it.
            left: What may still run because of it; a cluster's id where that is known.
            unsure: The token of a rental of which nothing was found.
        """
        logger.warning("%s", words)
        self._under_way.pop(what, None)
        if left is not None:
            self._left.append(left)
        if unsure is not None:
            self._unsure.append(unsure)
        if not self._under_way:
            self._over()

    def _over(self) -> None:
        left, unsure, self._left, self._unsure = self._left, self._unsure, [], []
        self._announced = False
        words = f"may still run: {'; '.join(left)}" if left else "nothing of these calls is known to be left running"
        if unsure:
            words += f". To be sure, search again with client.clusters.find: {', '.join(unsure)}"
        logger.warning("clean-up is over: %s", words)


def _named(calls: list[str]) -> str:
    return calls[0] if len(calls) == 1 else f"{len(calls)} calls: {', '.join(calls)}"
