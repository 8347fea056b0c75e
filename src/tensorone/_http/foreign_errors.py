"""What errors of the HTTP libraries and of the system say, without the key and without a proxy's password."""

from __future__ import annotations

import os
import ssl
from traceback import walk_tb
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType


class ForeignErrors:
    """Puts foreign errors into words, and makes them fit to be shown as a cause.

    Args:
        holds_secret: Whether a text shows the key or a password.
        request: What an error says it was about, in place of the request that carried the key.
    """

    def __init__(self, holds_secret: Callable[[str], bool], request: httpx.Request) -> None:
        self._holds_secret = holds_secret
        self._request = request

    def words(self, error: Exception) -> str:
        """What the system says is behind the error, such as "connection refused"; else the error's own words."""
        said = next(filter(None, map(_of_system, _links(error))), None)
        # httpx-aiohttp calls every lost connection a ConnectTimeout, which would say that nothing was sent.
        origin = error.__cause__ if isinstance(error, httpx.ConnectTimeout) and error.__cause__ else error
        words = said or (f"{type(origin).__name__}: {origin}" if str(origin) else type(origin).__name__)
        return f"{type(error).__name__} (its words hold a secret)" if self._holds_secret(words) else words

    def cause(self, error: Exception, *, frames: bool = True) -> Exception | None:
        """The error as a cause that can be shown: without the keyed request, or not at all.

        Args:
            error: The error.
            frames: Whether it keeps the frames that it came through, whose locals a traceback may show. Those of
                aiohttp hold the address with the key, and those that read a body hold parts of it.
        """
        for link in _links(error):
            if isinstance(link, httpx.RequestError):
                link.request = self._request
            if not frames:
                link.__traceback__ = None
            if self._holds_secret(str(link)):
                return None
        return error


def came_through(error: BaseException, code: CodeType) -> bool:
    """Whether an error came through a call of a function, which has this code."""
    return any(frame.f_code is code for frame, _ in walk_tb(error.__traceback__))


def _links(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came of, each once."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop(0)
        if link is not None and id(link) not in found:
            found[id(link)] = link
            yield link
            waiting += [link.__cause__, link.__context__]
            if isinstance(link, BaseExceptionGroup):
                waiting += link.exceptions  # pyright: ignore[reportUnknownMemberType]  # of any kind


def _of_system(error: BaseException) -> str | None:
    """The words for an error number, which every library writes in another way."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    own = isinstance(error, ssl.SSLError) or error.errno <= 0  # the resolver's numbers are negative
    words = (error.strerror or str(error)) if own else os.strerror(error.errno)
    return words[:1].lower() + words[1:]
