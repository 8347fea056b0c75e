"""The emulator as users see it: a world, an ASGI application, and a server in front of them."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any, Self

from anyio import CancelScope, to_thread

from tensorone.emulator._graphql.limits import Limits
from tensorone.emulator._graphql.service import Service
from tensorone.emulator._market.boot import Boot
from tensorone.emulator._server.app import PATH, App
from tensorone.emulator._server.faults import Faults
from tensorone.emulator._server.keys import Keys
from tensorone.emulator._server.rate_limit import RateLimit
from tensorone.emulator._server.server import LoopbackServer
from tensorone.emulator._world.scenario import Scenario
from tensorone.emulator._world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from starlette.types import ASGIApp

    from tensorone.emulator._market.hosts import Host

    from ._refusals import Wording


class Emulator:
    """A GraphQL server on loopback that plays the Tensor One service.

    Use it as `with Emulator() as emulator:` or `async with Emulator() as emulator:`, on asyncio or trio; it serves
    from a thread of its own. `app` answers without server and thread, on the caller's event loop.

    Args:
        seed: Same seed, same ids, hosts and prices.
        speed: Seconds of the world per real second.
        port: Port to listen on; 0 chooses a free one.
        host: Address to listen on.
        boot: Progression of starts: a `Boot`, or text as in `Boot.parse`.
        wording: What refusals call a cluster: "pod", as recorded from the sibling API, or "cluster".
        api_key: The key that may do everything; None draws one from the seed.
        introspection: Whether introspection queries are answered; the sibling service refuses them.
        schema: SDL to serve; None is the schema the SDK was generated from.
        clock: Returns real time in seconds, from any origin.
        balance: Credit at the beginning, US dollars.
        hosts: The machines; None is sixteen for each GPU type and cloud type.
        first_clusters: Whether the account begins with the clusters of the published example requests.
        limits: Upper bounds for the size of a request.
    """

    def __init__(  # noqa: PLR0913 - every argument is optional and stands for itself
        self,
        *,
        seed: int = 0,
        speed: float = 1.0,
        port: int = 0,
        host: str = "127.0.0.1",
        boot: Boot | str = "2s",
        wording: Wording = "pod",
        api_key: str | None = None,
        introspection: bool = False,
        schema: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        balance: Decimal | str = Decimal(1000),
        hosts: Iterable[Host] | None = None,
        first_clusters: bool = True,
        limits: Limits | None = None,
    ) -> None:
        # The usual introspection query is fifteen selections deep.
        limits = limits or (Limits(depth=20) if introspection else Limits())
        self._scenario = Scenario(
            seed=seed,
            boot=_boot(boot),
            balance=_dollars(balance),
            hosts=None if hosts is None else tuple(hosts),
            first_clusters=first_clusters,
        )
        self._speed = speed
        self._clock = clock
        self._keys = Keys.new(seed, api_key)
        service = Service(schema or _installed_schema(), wording=wording, limits=limits, introspection=introspection)
        self._root_fields = service.root_fields
        self._faults = Faults(seed, self._close_port, self._open_port)
        world = World(self._scenario, speed=speed, clock=clock)
        self._app = App(service, self._keys, self._faults, world, max_body=limits.body)
        self._server = LoopbackServer(self._app, host, port)
        self._host = host
        self._port: int | None = None

    @property
    def url(self) -> str:
        """The URL to send requests to.

        Raises:
            RuntimeError: It does not listen.
        """
        if self._port is None:
            raise RuntimeError("the emulator listens only inside its with block; without a server, use its app")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}{PATH}"

    @property
    def api_key(self) -> str:
        """The key that may do everything."""
        return self._keys.full

    @property
    def read_only_key(self) -> str:
        """A key whose mutations are unauthorised."""
        return self._keys.read_only

    @property
    def powerless_key(self) -> str:
        """A key that is valid and has no rights."""
        return self._keys.powerless

    @property
    def world(self) -> World:
        """The state that the answers come from, to read and to change."""
        return self._app.world

    @property
    def app(self) -> ASGIApp:
        """The ASGI application, for calls without a server; faults of the connection need one."""
        return self._app

    @property
    def faults(self) -> Faults:
        """The faults to come, and those that happened."""
        return self._faults

    def rate_limit(self, requests_per_second: float | None, *, burst: int | None = None) -> None:
        """Answers 429 with Retry-After to requests beyond a rate, in real seconds; None removes the limit.

        Args:
            requests_per_second: Average rate.
            burst: Requests at once after a pause; None is the number of one second.

        Raises:
            ValueError: A number is not positive.
        """
        if requests_per_second is None:
            self._app.rate_limit = None
            return
        at_once = max(1, round(requests_per_second)) if burst is None else burst
        self._app.rate_limit = RateLimit(requests_per_second, at_once, self._clock)

    @property
    def root_fields(self) -> frozenset[str]:
        """The queries and mutations of its schema, by which faults and counts name requests."""
        return self._root_fields

    @property
    def rate_limited(self) -> int:
        """Requests refused by the rate limit since it was set."""
        return self._app.rate_limit.refused if self._app.rate_limit else 0

    @property
    def access_log(self) -> tuple[str, ...]:
        """The latest hundred requests, a line each: operation, status, duration, faults; no values, and no key."""
        return tuple(self._app.lines)

    def reset(
        self,
        *,
        seed: int | None = None,
        speed: float | None = None,
        boot: Boot | str | None = None,
        balance: Decimal | str | None = None,
        first_clusters: bool | None = None,
    ) -> None:
        """Starts over: a new `world`, no faults, no rate limit, an empty `access_log`.

        The arguments are those of the emulator, for the new world alone: None is what the emulator was made with.
        Address and keys stay.

        Args:
            seed: Same seed, same ids, hosts, prices and faults.
            speed: Seconds of the world per real second.
            boot: Progression of starts: a `Boot`, or text as in `Boot.parse`.
            balance: Credit at the beginning, US dollars.
            first_clusters: Whether the account begins with the clusters of the published example requests.

        Raises:
            ValueError: An argument is invalid; then nothing was reset.
        """
        given: dict[str, Any] = {
            "seed": seed,
            "boot": None if boot is None else _boot(boot),
            "balance": None if balance is None else _dollars(balance),
            "first_clusters": first_clusters,
        }
        scenario = replace(self._scenario, **{name: value for name, value in given.items() if value is not None})
        self._app.world = World(scenario, speed=self._speed if speed is None else speed, clock=self._clock)
        self._app.rate_limit = None
        self._app.lines.clear()
        self._faults.clear(seed=scenario.seed)

    def __enter__(self) -> Self:
        self._port = self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._port = None
        self._server.stop()

    async def __aenter__(self) -> Self:
        # A cancellation waits until the thread runs: a thread that is still starting could not be stopped.
        with CancelScope(shield=True):
            await to_thread.run_sync(self.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with CancelScope(shield=True):
            await to_thread.run_sync(self.__exit__, kind, error, traceback)

    def _close_port(self, seconds: float) -> None:
        self._server.refuse(seconds)

    def _open_port(self) -> None:
        self._server.reopen()


def _dollars(amount: Decimal | str) -> Decimal:
    try:
        return Decimal(amount)
    except ArithmeticError:
        raise ValueError(f"balance must be US dollars, not {amount!r}") from None


def _boot(boot: Boot | str) -> Boot:
    return boot if isinstance(boot, Boot) else Boot.parse(str(boot))


def _installed_schema() -> str:
    return resources.files("tensorone_graphql").joinpath("schema.graphql").read_text(encoding="utf-8")
