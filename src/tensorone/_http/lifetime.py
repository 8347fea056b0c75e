"""When a client may be used: between its opening and its end, on one event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from anyio.lowlevel import RunVar, current_token

from tensorone._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOP: RunVar[object] = RunVar("tensorone_loop")


class Lifetime:
    """Not opened, then open, then closed. What it opens belongs to the event loop that it is first used on.

    Attributes:
        state: Where it is in its life.
    """

    def __init__(self) -> None:
        self.state: Literal["not opened", "open", "closed"] = "not opened"
        self._bound: dict[str, object] = {}
        self._running: Callable[[], object] | None = None
        self._own: object = None

    def open(self) -> None:
        """Begins; inside an event loop, on that one.

        Raises:
            ConfigurationError: It began already.
        """
        if self.state != "not opened":
            raise ConfigurationError(f"this client is {self.state} and cannot be opened again: make a new one")
        self.state = "open"
        self._on_its_loop()

    def require_open(self, operation: str | None = None) -> None:
        """Refuses to work outside the lifetime, and on another event loop.

        Args:
            operation: What cannot be done, for the error.

        Raises:
            ConfigurationError: What to do instead.
        """
        if self.state == "closed":
            raise ConfigurationError("this client is closed: make a new one", operation=operation)
        if self.state == "not opened":
            raise ConfigurationError(
                "this client is not opened: use it inside 'async with TensorOne(…) as client:',"
                " or call client.open() before and 'await client.aclose()' at the end",
                operation=operation,
            )
        self.require_loop(operation)

    def require_loop(self, operation: str | None = None) -> None:
        """Refuses to work on another event loop.

        Args:
            operation: What cannot be done, for the error.

        Raises:
            ConfigurationError: What to do instead.
        """
        if not self._on_its_loop():
            raise ConfigurationError(
                "this client belongs to another event loop: make one client per event loop and thread, or run"
                " everything on one loop (with pytest-asyncio, loop_scope='session' for the fixture and its tests)",
                operation=operation,
            )

    def close(self) -> None:
        """Ends."""
        self.state = "closed"

    def _on_its_loop(self) -> bool:
        return self._surely() or self._looked_up()

    def _surely(self) -> bool:
        """Whether the loop is the one that was found before; without the look-up, which every call would pay for."""
        try:
            return self._running is not None and self._running() is self._own
        except RuntimeError:  # none runs, or one of the other kind
            return False

    def _looked_up(self) -> bool:
        loop = _running_loop()
        # One step, since threads may come at the same time.
        own = loop is None or self._bound.setdefault("loop", loop) is loop
        if own and loop is not None:
            token = current_token()
            self._own, self._running = token.native_token, token.backend_class.current_token
        return own


def _running_loop() -> object | None:
    """Something that stands for the running event loop; None outside of any."""
    try:
        return _LOOP.get()
    except LookupError:
        loop = object()
        _LOOP.set(loop)
        return loop
    except RuntimeError:  # how anyio says that there is none
        return None
