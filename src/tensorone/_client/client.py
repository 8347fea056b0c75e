"""`TensorOne`: the client, its configuration and its lifetime."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar, Unpack, cast, get_args

from tensorone import _checks
from tensorone._data.hidden import hidden
from tensorone._errors import ConfigurationError
from tensorone._http.config import Arguments, http_backend, service_address

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from decimal import Decimal
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tensorone._events.event import Event
    from tensorone._generated import GraphQLClient
    from tensorone._graphql.operation import Operation
    from tensorone._graphql.request_queue import ThrottleState
    from tensorone._graphql.retry import RetryPolicy
    from tensorone._graphql.schema_check import OperationCheck, Probed
    from tensorone._http.config import Auth, Http
    from tensorone._http.transport import AsyncBaseTransport
    from tensorone._rate.gate import Gate
    from tensorone._session.rented import RentedCluster
    from tensorone._session.session import Session

    from .settings import Settings

__all__ = ["TensorOne"]

T = TypeVar("T")


class TensorOne:
    """A client of Tensor One's GraphQL API, to be used as ``async with TensorOne() as client:``.

    It owns connections but no task, so it may live in any fixture, framework or notebook. It runs on asyncio and on
    trio, and one client serves any number of concurrent calls.

    Making a client imports and builds all that its calls need, so that no call holds up the event loop with that. It
    takes some 0.2 seconds the first time in a process: make a client that serves others before they wait for it.

    Args:
        api_key: The key; without it, the variable ``TENSORONE_API_KEY``.
        url: The address of the service; without it, the variable ``TENSORONE_API_URL``, else
            ``https://api.tpu.one/graphql``.
        auth: ``"query"`` sends the key as ``?api_key=…``, as the published examples do; ``"header"`` as
            ``Authorization: Bearer …``, which no public source shows for this service.
        transport: An httpx transport to use and leave open: for proxies, TLS settings and tests.
        http: The HTTP library: ``"aiohttp"`` costs less CPU time, and needs asyncio and the extra ``fast``;
            ``"httpx"`` is always installed; ``"auto"`` uses the faster one that works here. Without it, the variable
            ``TENSORONE_HTTP``, else ``"auto"``. Ignored when a `transport` is given.
        timeout: Seconds for one attempt, connecting included; time in the client's own queue does not count.
        retry: How often to repeat requests that are safe to repeat.
        arguments: ``"literals"`` writes arguments into the document, as the published examples do, and needs no
            type name; ``"variables"`` sends standard variables, for servers whose type names are those of the schema.
        max_connections: Requests under way at once at most.
        requests_per_second: Requests a second that this client starts at most, evenly spaced and repeats included;
            for a process that is one of several on an account whose limit is known. Without it, the client sends as
            fast as it can until the server refuses something, and learns the rate from that.
        gate: Decides when requests may start, in place of the rate that the client learns: for processes that share
            an account's limit through something of their own.
        max_response_bytes: Largest response to read, in bytes after decompression.
        settle_time: Seconds after a lost answer within which the server is expected to show what it did.
        allow_insecure_http: Allow ``http://`` to other hosts than this one, which exposes the key to the network.
        max_hourly_spend: US dollars per hour that the GPUs rented and resumed through this client may cost together.
            A call that would exceed it is not sent and raises `SpendLimitReached`. Disks, stopped clusters and other
            clients' clusters do not count.
        merge_reads: Let calls of `clusters.get`, of `gpu_types.get` and of `spot.quote` that wait at the same time
            share a request, up to 50 in one. A call that is alone is sent at once, by itself, and a failure is that
            of its own call. False sends one request for each call, for a server that counts fields or answers a
            request with several of them slowly.
        label: Whether to write GPU type, price and kind into the environment of what is rented, as
            ``TENSORONE_RENTED``, where `clusters.bills` finds them if the server does not tell them.
        on_event: Called with each event of `tensorone.events` as it happens, in the task that it happens in: it must
            return soon. What it raises is logged once, and changes nothing.

    Raises:
        ConfigurationError: The key is missing, an argument or the variable ``TENSORONE_LOG`` is invalid, or something
            cannot be imported or read.
        InvalidArgument: A number is out of range.
    """

    def __init__(  # noqa: PLR0913 - all of it optional, and each a keyword
        self,
        api_key: str | None = None,
        *,
        url: str | None = None,
        auth: Auth = "query",
        transport: AsyncBaseTransport | None = None,
        http: Http | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        arguments: Arguments = "literals",
        max_connections: int = 64,
        requests_per_second: float | None = None,
        gate: Gate | None = None,
        max_response_bytes: int = 64 * 2**20,
        settle_time: float = 20.0,
        allow_insecure_http: bool = False,
        max_hourly_spend: Decimal | float | None = None,
        merge_reads: bool = True,
        label: bool = False,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        api_key, url = hidden(api_key), hidden(url)
        _checks.flag("allow_insecure_http", allow_insecure_http)
        _checks.flag("merge_reads", merge_reads)
        _checks.flag("label", label)
        if arguments not in get_args(Arguments):
            raise ConfigurationError(f"arguments={arguments!r} is unknown: use 'literals' or 'variables'")
        target = service_address(api_key, url, auth=auth, allow_insecure_http=allow_insecure_http)
        _checks.integer("max_response_bytes", max_response_bytes, least=1)
        with _loading():
            from . import parts  # noqa: PLC0415 - httpx, pydantic and the wings come with it

            parts.warm()
        self._transport = parts.Transport(
            target,
            transport=parts.checked_transport(transport),
            http=http_backend(http),
            max_body_bytes=max_response_bytes,
        )
        with _loading():
            self._transport.prepare()
        self._lifetime = parts.Lifetime()
        parts.show_as_configured()
        executor = parts.Executor(
            self._transport,
            parts.queue(max_connections, requests_per_second),
            self._lifetime,
            key=target.key,
            timeout=_checks.seconds("timeout", timeout),
            retry=parts.checked_retry(retry),
            arguments=arguments,
            events=parts.Emitter(on_event, place=target.place),
        )
        self._executor = executor if gate is None else parts.GatedExecutor(executor, _checks.gate(gate))
        self._shown = target.host
        self._owner = True
        session = parts.Session(
            self._executor,
            settle_time=_checks.seconds("settle_time", settle_time, zero=True),
            merge_reads=merge_reads,
        )
        session.label = label
        self._attach(session if max_hourly_spend is None else _limited(session, max_hourly_spend))

    @classmethod
    def from_profile(
        cls, name: str | None = None, *, path: Path | str | None = None, **settings: Unpack[Settings]
    ) -> Self:
        """A client for an account of the profiles file, which `tensorone login` writes. ``TensorOne()`` reads no file.

        Args:
            name: The profile; without it, the file's default.
            path: The file; without it, ``TENSORONE_CONFIG``, else ``~/.config/tensorone/profiles.toml``.
            **settings: As for `TensorOne`; they take precedence over the profile's.

        Raises:
            ConfigurationError: There is no such profile, others may read the file, or its key command failed.
        """
        from tensorone import _profiles  # noqa: PLC0415 - most programs read no profile

        profile = _profiles.load(_profiles.given(path) or _profiles.location()).get(name)
        return cls(profile.key(), **cast("Settings", profile.settings | settings))

    def _attach(self, session: Session) -> None:
        from . import parts  # noqa: PLC0415 - as above

        self._session = session
        self.clusters = parts.Clusters(session)
        self.spot = parts.Spot(session)
        self.fleet = parts.Fleets(session)
        self.gpu_types = parts.GpuTypes(session)
        self.account = parts.Accounts(session)
        self.templates = parts.Templates(session)
        self.endpoints = parts.Endpoints(session)

    def limited(self, *, max_hourly_spend: Decimal | float) -> Self:
        """A client with the same connections and a spending limit of its own, in addition to this client's limit.

        Args:
            max_hourly_spend: US dollars per hour that the GPUs rented and resumed through the new client may cost
                together. A call that would exceed it is not sent and raises `SpendLimitReached`.

        Returns:
            A client that need not be closed; closing it leaves this one open.
        """
        scope = object.__new__(type(self))
        scope.__dict__.update(self.__dict__, _owner=False)
        scope._attach(_limited(self._session, max_hourly_spend))  # noqa: SLF001 - one of its own kind
        return scope

    @property
    def graphql(self) -> GraphQLClient:
        """The generated client: every operation, as generated, on the same executor.

        It sends a rental or resume once at most. A lost answer raises `OutcomeUnknown` and is not looked up.
        """
        return self._session.graphql

    @property
    def rented(self) -> tuple[RentedCluster, ...]:
        """What this client rented, resumed or adopted and has not seen ended, the oldest first; readable at any time.

        After the client's block too. A cluster is left out once this client stopped or terminated it, or read that it
        is stopped or gone. The latest 10,000 are kept. To end them all:
        ``await fan_out(client.clusters.terminate, [each.cluster_id for each in client.rented])``.
        """
        return self._session.rentals.records

    @property
    def throttle(self) -> ThrottleState:
        """How many requests are under way and waiting, and at which rate the server accepts them."""
        return self._executor.queue.state

    async def check_schema(self, operations: Iterable[Probed] | None = None) -> list[OperationCheck]:
        """Checks which operations the server still accepts, by validation alone; for a nightly job. Bills nothing.

        Each operation, mutations included, is sent next to a harmless query, and only that query is selected to run.
        The operation's fields also have ``@skip(if: true)``, so none of them can run. One request per operation.

        Args:
            operations: Generated operations, such as your own; without them, all of this package.

        Returns:
            One check per operation: accepted; refused, with the missing field or argument; or unknown, if the server
            fails otherwise or does not validate operations that it does not run. To regenerate, see
            ``make update-schema`` and ``python -m tensorone_codegen review``.

        Raises:
            TensorOneError: The harmless query failed too: an invalid key, a rate limit, the network or an outage.

        Source: GraphQL's own rules of validation and execution; tried on three servers (docs/design.md).
        """
        from tensorone._generated import operations as all_of_them  # noqa: PLC0415 - imported when needed
        from tensorone._graphql.schema_check import check_schema  # noqa: PLC0415 - likewise

        return await check_schema(self._executor, all_of_them() if operations is None else operations)

    async def execute(self, operation: Operation[T], variables: Mapping[str, object] | None = None) -> T:
        """Runs any generated operation, including your own, with this client's transport, retries and errors.

        Args:
            operation: The generated constant, such as ``tensorone_graphql.list_clusters.LIST_CLUSTERS``.
            variables: Its variables, by their names in the document.

        Raises:
            TensorOneError: It failed. A mutation that is not marked ``@idempotent`` raises `OutcomeUnknown` when its
                answer is lost.
        """
        _checks.generated_operation(operation)
        return await self._executor.execute(operation, variables or {})

    def open(self) -> Self:
        """Opens the client without a block: in a notebook, or in a fixture that a whole test session shares.

        Sends nothing. The client then belongs to the event loop that it is opened in, else to the one that it is
        first used on; on any other one, calls raise `ConfigurationError`. End it with ``await client.aclose()``.

        Returns:
            The client.

        Raises:
            ConfigurationError: It was opened before, or something that it needs cannot be imported.
        """
        if self._owner:
            with _loading():
                self._transport.prepare()  # again, since by now the event loop may run
            self._lifetime.open()
        return self

    async def __aenter__(self) -> Self:
        return self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and self._owner:
            self._session.rentals.warn([each.cluster_id for each in self.rented], "The client's block")
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections that the client opened; a given transport stays open. Safe to repeat.

        Raises:
            ConfigurationError: The connections belong to another event loop: close the client there.
        """
        if self._owner:
            if self._transport.connected:
                self._lifetime.require_loop()
            self._session.rentals.closing()
            self._lifetime.close()
            self._executor.events.close()
            await self._transport.aclose()

    def __repr__(self) -> str:
        if not hasattr(self, "_shown"):  # its making failed, and a traceback shows its variables
            return "<TensorOne (not made)>"
        return f"<TensorOne {self._shown} ({self._lifetime.state})>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be pickled: it holds connections and the key; create a new one")


@contextmanager
def _loading() -> Generator[None]:
    try:
        yield
    except (ImportError, OSError) as error:
        raise ConfigurationError(f"what the client needs cannot be imported: {error}") from error


def _limited(session: Session, max_hourly_spend: Decimal | float) -> Session:
    return session.limited(_checks.dollars("max_hourly_spend", max_hourly_spend))
