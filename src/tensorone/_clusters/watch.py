"""Watching clusters, on listings that all watchers and waiters of one client share."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

import anyio

from tensorone import _checks
from tensorone._errors import ConfigurationError, InvalidArgument, TensorOneError
from tensorone._session import polling

from .changes import diff

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from tensorone._session.session import Session

    from .changes import Change, Known

__all__ = ["Watch"]

logger = logging.getLogger("tensorone")


class Watch:
    """An async iterator of changes, inside ``async with``; made by ``clusters.watch``, for one reader."""

    def __init__(self, session: Session, cluster_ids: Iterable[str] | None, *, every: float) -> None:
        self._session = session
        self._named = None if cluster_ids is None else tuple(dict.fromkeys(_checks.cluster_ids(cluster_ids)))
        if self._named == ():
            raise InvalidArgument("cluster_ids", "names no cluster; None watches all of the account")
        self._every = _checks.seconds("every", every)
        self._open = False
        self._due = 0.0
        self._failures = 0
        self._known: dict[str, Known] = {}
        self._unread: deque[Change] = deque()

    async def __aenter__(self) -> Self:
        self._open, self._due = True, anyio.current_time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        if not self._open:
            raise ConfigurationError("a watch works inside its block: async with client.clusters.watch() as changes")
        while not self._unread:
            await self._look()
        return self._unread.popleft()

    async def _look(self) -> None:
        """Waits for its time and looks once; interrupted at any point, it leaves what is known as it was."""
        moment = max(self._due, polling.last_tick(anyio.current_time(), self._every))
        await polling.until(moment)
        begun = anyio.current_time()
        try:
            snapshot = await self._session.listing.since(moment)
        except TensorOneError as error:
            self._put_off(begun, failures=self._failures + 1)
            if not error.retryable:
                raise
            logger.warning("a look at the clusters failed, the next one may not: %s", error)
            return
        self._known, changes = diff(self._known, snapshot.value, self._named)
        self._unread.extend(changes)
        self._put_off(begun, failures=0)

    def _put_off(self, begun: float, *, failures: int) -> None:
        self._failures, now = failures, anyio.current_time()
        stride = polling.stride(now - begun, self._every, failures=failures)
        self._due = polling.next_tick(now, self._every, stride=stride)
