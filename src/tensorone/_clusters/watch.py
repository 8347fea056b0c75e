"""Watching clusters, on listings that all watchers and waiters of one client share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tensorone import _checks
from tensorone._errors import InvalidArgument, TensorOneError
from tensorone._events.cleanup import Setback
from tensorone._session import polling
from tensorone._session.block_iterator import BlockIterator

from .changes import Change, diff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorone._session.session import Session

    from .changes import Known

__all__ = ["Watch"]


class Watch(BlockIterator[Change]):
    """An async iterator of changes, inside ``async with``; made by ``clusters.watch``, for one reader."""

    def __init__(self, session: Session, cluster_ids: Iterable[str] | None, *, every: float) -> None:
        super().__init__(_checks.interval("every", every), made_by="clusters.watch")
        self._session = session
        self._named = None if cluster_ids is None else tuple(dict.fromkeys(_checks.cluster_ids(cluster_ids)))
        if self._named == ():
            raise InvalidArgument("cluster_ids", "names no cluster; None watches all of the account")
        self._known: dict[str, Known] = {}

    async def _advance(self) -> None:
        """Waits for its time and polls once; interrupted at any point, it leaves what is known as it was."""
        moment = await self._poll_time()
        begun = anyio.current_time()
        try:
            snapshot = await self._session.listing.since(moment)
        except TensorOneError as error:
            self._put_off(begun, failures=self._failures + 1)
            if not error.retryable:
                raise
            words = f"clusters.watch: a poll failed, the next one may not: {error}"
            self._session.events.emit(Setback, text=words, error_type=type(error).__name__)
            return
        self._known, changes = diff(self._known, snapshot.value, self._named)
        self._unread.extend(changes)
        self._put_off(begun, failures=0)

    def _put_off(self, begun: float, *, failures: int) -> None:
        self._failures = failures
        took = anyio.current_time() - begun
        self._poll_next(stride=polling.stride(took, self._every, failures=failures))
