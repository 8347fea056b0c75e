"""A fleet on DBOS and SQLite: the kit's calls as steps, and a workflow that decides by `step`.

`python worker.py FOLDER` takes the key from TENSORONE_API_KEY, and another server from TENSORONE_API_URL.
Killed and started again, it goes on: DBOS repeats the step that died.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from dbos import DBOS, SetWorkflowID

from tensorone import BidPolicy, ClusterSpec, TensorOne
from tensorone.fleet import End, FleetSpec, FleetState, Intent, Look, Order, Recover, RentalSent, step

FLEET = FleetSpec(
    name="night",
    slots={f"w{number}": "train" for number in range(6)},
    specs={"train": ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40", volume_in_gb=20)},
    bidding=BidPolicy(ceiling=0.35),
    left_behind="terminate",
    every=0.5,
    settle_time=1.5,
    backoff_initial=0.5,
)
TICKS = 20  # of a workflow, before the next one goes on: DBOS keeps what each step returned

portal: BlockingPortal  # the client's event loop: steps are plain functions
client: TensorOne


@DBOS.step()
def look(members: tuple[str, ...], others: tuple[str, ...]) -> Look:
    """What the account shows."""
    return portal.call(partial(client.fleet.look, FLEET, members, others=others))


@DBOS.step()
def writer() -> tuple[str, float]:
    """Whose rounds come next, and when: what DBOS has written down before one is begun."""
    return client.fleet.by, time.time()


@DBOS.step()
def rounds(tasks: list[tuple[Order, Look, Intent]], own_bids: dict) -> tuple[list, float]:
    """One round each, side by side. Repeated after a death, each sees by its intent that it was begun before."""
    outcomes: list = [None] * len(tasks)

    async def one(place: int, order: Order, seen: Look, intent: Intent) -> None:
        outcomes[place] = await client.fleet.round(order, look=seen, own_bids=own_bids, intent=intent)

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for place, task in enumerate(tasks):
                group.start_soon(one, place, *task)

    portal.call(all_of_them)
    return outcomes, time.time()


@DBOS.step()
def end(action: End) -> None:
    """Ends what nobody uses."""
    portal.call(partial(client.fleet.end, action.cluster_id, how=action.how))


@DBOS.workflow()
def keep(state: FleetState) -> FleetState:
    """So many looks, and what follows from each; the workflow's id is the fleet's lock."""
    for _ in range(TICKS):
        state = tick(state.interrupted())  # what was not begun is due again
        DBOS.sleep(FLEET.every)
    return state


def tick(state: FleetState) -> FleetState:
    """One look, and the rounds that it asks for."""
    seen = look(state.cluster_ids, state.other_ids)
    state, actions = step(state, seen, seen.at, FLEET.settings)
    for action in actions:
        if isinstance(action, End):
            end(action)
    orders = [FLEET.order_of(action) for action in actions if isinstance(action, Recover)][: FLEET.width]
    if not orders:
        return state
    by, now = writer()
    tasks = []
    for order in orders:
        intent = FLEET.intent_of(order, state, by=by, now=now)
        state, _ = step(state, RentalSent(order.recover.cluster_id, intent.by), intent.begun_at, FLEET.settings)
        tasks.append((order, seen.about(order), intent))
    outcomes, now = rounds(tasks, state.own_bids)
    for outcome in outcomes:
        state, _ = step(state, outcome, now, FLEET.settings)
    return state


def main(folder: str) -> None:
    """Goes on where the last process was, workflow after workflow."""
    global client, portal  # noqa: PLW0603 - steps have no other way to it
    database = f"sqlite:///{folder}/dbos.sqlite"
    # The id and the version are given: DBOS goes on with workflows of the same ones alone.
    DBOS(config={"name": "fleet", "system_database_url": database, "executor_id": "one", "application_version": "1"})
    client = TensorOne(settle_time=FLEET.settle_time)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        DBOS.launch()
        done = len(DBOS.list_workflows(name=keep.__qualname__, status="SUCCESS", load_input=False, load_output=False))
        state = FLEET.start() if done == 0 else DBOS.retrieve_workflow(f"{FLEET.name}-{done}").get_result()
        while True:
            done += 1
            with SetWorkflowID(f"{FLEET.name}-{done}"):  # of one that is under way already, it waits for the end
                state = DBOS.start_workflow(keep, state).get_result()
            Path(folder, "claim.txt").write_text("\n".join(state.cluster_ids))


if __name__ == "__main__":
    main(sys.argv[1])
