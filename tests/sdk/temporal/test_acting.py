"""Which worker acts for an account: the workflow that says so, and what happens when one ends."""

import anyio
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from tensorone.temporal import TensorOnePlugin
from tensorone.temporal._account import AccountWorkflow


async def test_another_worker_acts_when_one_ends_for_as_long_as_there_are_any(address, monkeypatch):
    """It begins a new run of the workflow now and then, so that its history stays short."""
    monkeypatch.setattr("tensorone.temporal._account.MOST_EVENTS", 20)
    acted = []

    @activity.defn(name="tensorone-act")
    async def act() -> None:
        acted.append(activity.info().workflow_run_id)
        if len(acted) == 2:
            raise RuntimeError("it died")

    temporal = await Client.connect(address, plugins=[TensorOnePlugin()])
    async with Worker(temporal, task_queue="acting", workflows=[AccountWorkflow], activities=[act]):
        handle = await temporal.start_workflow(AccountWorkflow.run, id="tensorone/acting", task_queue="acting")
        with anyio.fail_after(30):
            while len(set(acted)) < 2:
                await anyio.sleep(0.05)
        await handle.terminate()
    assert len(acted) > 3
