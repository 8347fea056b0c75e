"""A fleet as a program sees it that has neither the key nor a connection to Tensor One."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from tensorone import InvalidArgument
from tensorone.fleet import FleetSpec

from . import _names, _split
from ._events import FleetEvents
from ._plugin import with_plugin
from ._shard import begun
from ._workflow import FleetWorkflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from temporalio.client import Client, WorkflowHandle

    from ._values import FleetStatus, How

    Handle = WorkflowHandle[FleetWorkflow, None]

ANSWERING = timedelta(seconds=10)  # a worker answers within milliseconds; without one, Temporal would wait on


class DurableFleet:
    """A fleet that workers of an account keep running; they need not run yet when it begins.

    It sends its orders to Temporal, and asks the fleet's workflows. Only one of two programs that keep a fleet of
    the same name is its writer, which is a workflow: both may call all methods, one change at a time.

    Args:
        temporal: Connected with ``plugins=[TensorOnePlugin()]``.
        account: Names the account at Tensor One, as workers do: they have its key.
        name: The fleet's name, as in its `FleetSpec`.

    Raises:
        ConfigurationError: The client of Temporal has no `TensorOnePlugin`.
        InvalidArgument: A name has other letters than a `FleetSpec` may have.
    """

    def __init__(self, temporal: Client, *, account: str, name: str) -> None:
        self._temporal = with_plugin(temporal)
        self._account = _names.checked("account", account)
        self._name = _names.checked("name", name)
        self._queue = _names.task_queue(account)

    async def keep(self, fleet: FleetSpec, *, clusters: Mapping[str, str] | None = None) -> None:
        """Keeps the fleet running from now on, or makes it another one; again with the same spec, it does nothing.

        Bills what the fleet's slots rent, never above its ceiling, until `end`. Clusters of slots that it no longer
        has are terminated, and their volumes deleted. Another image, spec or bid holds for what is rented from then
        on, and what runs goes on.

        Args:
            fleet: What it is to be. Its limits on spending are divided over shards of 500 slots by their number.
            clusters: Clusters that there are already, by slot; only where the fleet begins.

        Raises:
            InvalidArgument: The spec has another name, or no slot of a cluster's name.
            RPCError: Temporal cannot be reached; or the fleet is kept already, and no worker answers within 10 s.
        """
        if not isinstance(fleet, FleetSpec) or fleet.name != self._name:  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
            raise InvalidArgument("fleet", f"must be a FleetSpec of the name {self._name}")
        fleet.start(clusters)  # refuses clusters of other slots, before any part of the fleet begins
        shards = await self._shards()
        before = [await each.query(FleetWorkflow.fleet, rpc_timeout=ANSWERING) for each in shards]
        parts = _split.split(fleet, [each.slots for each in before])
        for number, part in enumerate(parts):
            if number >= len(shards):
                held = {slot: each for slot, each in (clusters or {}).items() if slot in part.slots}
                await self._start(number, part, held)
            elif part != before[number]:
                await shards[number].signal(FleetWorkflow.keep, part)

    async def _start(self, number: int, part: FleetSpec, clusters: Mapping[str, str]) -> None:
        await self._temporal.start_workflow(
            FleetWorkflow.run,
            begun(part, clusters),
            id=_names.workflow_id(self._account, self._name, number),
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="keep",
            start_signal_args=[part],
        )

    async def spec(self) -> FleetSpec:
        """What the fleet is to be.

        Raises:
            InvalidArgument: No fleet of this name is kept.
            RPCError: No worker answers within 10 s, or Temporal cannot be reached.
        """
        return _split.joined(
            [await each.query(FleetWorkflow.fleet, rpc_timeout=ANSWERING) for each in await self._kept()]
        )

    async def status(self) -> FleetStatus:
        """How the fleet is, as far as its workflows know. Bills nothing, and sends nothing to Tensor One.

        Raises:
            InvalidArgument: No fleet of this name is kept.
            RPCError: No worker answers within 10 s, or Temporal cannot be reached.
        """
        return _split.together(
            [await each.query(FleetWorkflow.status, rpc_timeout=ANSWERING) for each in await self._kept()]
        )

    async def resize(self, count: int, *, spec: str | None = None) -> None:
        """Gives the fleet so many slots. The last ones go, and their clusters are terminated with their volumes.

        Args:
            count: Slots.
            spec: The spec of new slots; needed where the fleet has several.

        Raises:
            InvalidArgument: No fleet of this name is kept, the count is negative, or the spec is missing.
            RPCError: No worker answers within 10 s, or Temporal cannot be reached.
        """
        if not isinstance(count, int) or count < 0:  # pyright: ignore[reportUnnecessaryIsInstance] - likewise
            raise InvalidArgument("count", "must be a whole number of slots, at least 0")
        await self.keep(_split.resized(await self.spec(), count, spec))

    async def end(self, how: How = "terminate", *, wait: bool = True) -> None:
        """Ends the fleet and its clusters. A fleet that is not kept is ended.

        To *cancel* a workflow of the fleet in Temporal does the same. To *terminate* one there does not: its clusters
        go on running, and are billed, until a fleet of this name is kept again, which finds them.

        Args:
            how: ``"terminate"`` the clusters, which ends their bills and deletes their volumes, or ``"stop"`` them,
                whose volumes stay billed.
            wait: Whether to wait until the account shows nothing of them; needs a worker.

        Raises:
            InvalidArgument: `how` is something else.
            RPCError: Temporal cannot be reached.
        """
        if how not in ("terminate", "stop"):
            raise InvalidArgument("how", "must be 'terminate' or 'stop'")
        shards = await self._shards()
        for each in shards:
            with suppress(RPCError):  # it ended just now
                await each.signal(FleetWorkflow.end, how)
        for each in shards if wait else ():
            await each.result()

    def events(self, *, after: Mapping[int, int] | None = None, every: float = 2.0) -> FleetEvents:
        """The fleet's events: `Preempted`, `BidMade`, `Recovered`, `Moved` and the others of `tensorone.fleet`.

        They survive their reader: the latest 300 of each shard are kept, for any number of readers.

        Args:
            after: The `position` of a reader before, whose place this one takes; by default all that are kept.
            every: Seconds between two questions to the workflows.
        """
        return FleetEvents(self._found, after or {}, every)

    async def _kept(self) -> list[Handle]:
        if not (shards := await self._shards()):
            raise InvalidArgument("name", f"no fleet {self._name} is kept in account {self._account}: call keep first")
        return shards

    async def _shards(self) -> list[Handle]:
        """The workflows that run; a fleet has no gaps among them before it ends."""
        return [each for each, runs in await self._found() if runs]

    async def _found(self) -> list[tuple[Handle, bool]]:
        """The workflows that Temporal knows, each with whether it runs."""
        found: list[tuple[Handle, bool]] = []
        while True:
            name = _names.workflow_id(self._account, self._name, len(found))
            handle: Handle = self._temporal.get_workflow_handle(name)
            try:
                about = await handle.describe()
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                return found
            found.append((handle, about.status == WorkflowExecutionStatus.RUNNING))
