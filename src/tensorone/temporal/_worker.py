"""A worker: carries fleets of one account, with a client that has its key."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Worker

from tensorone import ConfigurationError, InvalidArgument, TensorOne

from . import _names
from ._account import AccountWorkflow
from ._activities import BEAT, SELDOM, Activities
from ._plugin import with_plugin
from ._workflow import FleetWorkflow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from temporalio.client import Client

FINISHING = timedelta(seconds=40)  # until what is under way is cancelled: a round and the search for what it rented
SIDE_BY_SIDE = 1000  # nearly all of them are looks that wait for their time; the queue's rate bounds the others
STICKY = timedelta(seconds=3)  # after which a workflow that a dead worker had cached goes to another one


@asynccontextmanager
async def fleet_worker(
    temporal: Client, client: TensorOne, *, account: str, requests_per_second: float
) -> AsyncGenerator[Worker]:
    """Carries all fleets of an account while the block is open, beside any number of other workers.

    All of them decide. One of them acts, which is to say that it looks, rents and ends: so the account is looked at
    once for all its fleets, its bids are known in one place, and its limit is one client's. Another one acts when that
    one ends, or gives no sign of life for 5 s. Which one it is, a workflow called ``tensorone/<account>`` says, which
    the first worker begins and nobody has to end.

    Leaving the block waits up to 40 s for what is under way. A worker that dies is replaced by the others after 5 s:
    what it may have rented is looked for before anything else is sent.

    Args:
        temporal: Connected with ``plugins=[TensorOnePlugin()]``.
        client: An open client with the account's key; ``retry=RetryPolicy(attempts=1)`` is enough, since a look or an
            end that failed is repeated by Temporal, and a round by the workflow. With the same `requests_per_second`
            as here, it never exceeds the account's limit, since one worker sends at a time; without, it learns it.
        account: Names the account, as `DurableFleet` does.
        requests_per_second: Requests to Tensor One that the account bears. Temporal hands out as many activities a
            second, over all workers. Give the same number to each.

    Yields:
        The worker of Temporal.

    Raises:
        ConfigurationError: The client is not open, that of Temporal has no `TensorOnePlugin`, or the event loop is not
            asyncio's.
        InvalidArgument: An argument is wrong.
    """
    if "asyncio" not in anyio.get_cancelled_exc_class().__module__:
        raise ConfigurationError("tensorone.temporal runs on asyncio only, since temporalio does")
    if not isinstance(client, TensorOne):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
        raise InvalidArgument("client", "must be a TensorOne")
    client._lifetime.require_open("fleet_worker")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # of this package
    with_plugin(temporal)
    rate = _names.checked_rate("requests_per_second", requests_per_second)
    limits: dict[str, Any] = {
        "max_concurrent_activities": SIDE_BY_SIDE,
        "max_task_queue_activities_per_second": rate,
        "max_heartbeat_throttle_interval": timedelta(seconds=SELDOM),
        "graceful_shutdown_timeout": FINISHING,
    }
    does, queue = Activities(client, temporal, limits), _names.task_queue(account)
    worker = Worker(
        temporal,
        task_queue=queue,
        workflows=[AccountWorkflow, FleetWorkflow],
        activities=[does.act],
        sticky_queue_schedule_to_start_timeout=STICKY,
        max_heartbeat_throttle_interval=timedelta(seconds=BEAT),
        graceful_shutdown_timeout=FINISHING + timedelta(seconds=5),
    )
    async with worker:
        await temporal.start_workflow(
            AccountWorkflow.run,
            id=_names.account_id(account),
            task_queue=queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        yield worker
