"""What a workflow makes of rounds whose activity ends without an outcome."""

import time

import anyio
from fleets_for_temporal import fleet_of
from temporalio import activity
from temporalio.worker import Worker

from tensorone.fleet import Look, RecoveryFailed
from tensorone.temporal._names import acting_queue
from tensorone.temporal._shard import begun
from tensorone.temporal._values import Looked, LookTask, RoundEnd, RoundEnds, RoundTasks
from tensorone.temporal._workflow import TOGETHER, FleetWorkflow


async def test_rounds_whose_worker_died_are_looked_for_by_the_intents_that_they_had(temporal):
    """All of them that one activity carried; others are carried by another one."""
    given, again_given, fleet = [], anyio.Event(), fleet_of(TOGETHER + 1, width=20)

    @activity.defn(name="tensorone-look")
    async def look(task: LookTask) -> Looked:
        await anyio.sleep(task.fleet.every)
        return Looked(look=Look(at=time.time(), missing=task.members), other_bids=None)

    @activity.defn(name="tensorone-rounds")
    async def rounds(tasks: RoundTasks) -> RoundEnds:
        given.append(tasks.rounds)
        if sum(map(len, given)) >= 2 * len(fleet.slots):
            again_given.set()
        if len(given) <= 2:
            raise RuntimeError("its worker died")
        ids = [each.order.recover.cluster_id for each in tasks.rounds]
        return RoundEnds(tuple(RoundEnd(outcome=RecoveryFailed(each, "too low")) for each in ids))

    async with (
        Worker(temporal, task_queue="dying", workflows=[FleetWorkflow]),
        Worker(temporal, task_queue=acting_queue("dying"), activities=[look, rounds]),
    ):
        handle = await temporal.start_workflow(FleetWorkflow.run, begun(fleet), id="dying", task_queue="dying")
        with anyio.fail_after(30):
            await again_given.wait()
        await handle.terminate()
    assert sorted(map(len, given[:2])) == [1, TOGETHER]
    first = {each.order.token: each.intent for tasks in given[:2] for each in tasks}
    again = [each for tasks in given[2:] for each in tasks][: len(first)]
    assert all(not each.new and each.intent == first[each.order.token] for each in again)
