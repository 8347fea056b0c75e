"""A fleet on DBOS: the kit's calls as steps, and a workflow that decides by `step`.

`python worker.py FOLDER NAME [DATABASE]` keeps the fleet of that name. Several workers, each with a name of its own,
share a database of PostgreSQL; without an address it is SQLite in the folder, for one worker.
It takes the key from TENSORONE_API_KEY, what the containers get from HF_TOKEN, and another server from
TENSORONE_API_URL. Killed and started again with its name, it goes on: DBOS repeats the step that died.
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

EVERY = 0.5  # seconds between two looks
TICKS = 20  # of a workflow, before the next one goes on: DBOS keeps what each step returned


def fleet_of(name: str) -> FleetSpec:
    """A worker's share: six clusters."""
    spec = ClusterSpec(
        image_name="tensorone/pytorch",
        gpu_type_id="NVIDIA A40",
        volume_in_gb=20,
        env_from={"HF_TOKEN": "HF_TOKEN"},  # its value is read where the rent is sent, and stored nowhere
    )
    return FleetSpec(
        name=f"night_{name}",
        slots={f"w{number}": "train" for number in range(6)},
        specs={"train": spec},
        bidding=BidPolicy(ceiling=0.35),
        left_behind="terminate",
        every=EVERY,
        settle_time=1.5,
        backoff_initial=0.5,
    )


portal: BlockingPortal  # the client's event loop: steps are plain functions
client: TensorOne


@DBOS.step()
def look(name: str, members: tuple[str, ...], others: tuple[str, ...]) -> Look:
    """What the account shows."""
    return portal.call(partial(client.fleet.look, fleet_of(name), members, others=others))


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
def keep(name: str, state: FleetState) -> FleetState:
    """So many looks, and what follows from each; the workflow's id is the fleet's lock.

    It is given all that it needs: what one worker began, DBOS may hand to another one.
    """
    for _ in range(TICKS):
        state = tick(name, state.interrupted())  # what was not begun is due again
        DBOS.sleep(EVERY)
    return state


def tick(name: str, state: FleetState) -> FleetState:
    """One look, and the rounds that it asks for."""
    fleet, seen = fleet_of(name), look(name, state.cluster_ids, state.other_ids)
    state, actions = step(state, seen, seen.at, fleet.settings)
    for action in actions:
        if isinstance(action, End):
            end(action)
    orders = [fleet.order_of(action) for action in actions if isinstance(action, Recover)][: fleet.width]
    if not orders:
        return state
    by, now = writer()
    tasks = []
    for order in orders:
        intent = fleet.intent_of(order, state, by=by, now=now)
        state, _ = step(state, RentalSent(order.recover.cluster_id, intent.by), intent.begun_at, fleet.settings)
        tasks.append((order, seen.about(order), intent))
    outcomes, now = rounds(tasks, state.own_bids)
    for outcome in outcomes:
        state, _ = step(state, outcome, now, fleet.settings)
    return state


def main(folder: str, name: str, database: str | None = None) -> None:
    """Goes on where the last process of this name was, workflow after workflow."""
    global client, portal  # noqa: PLW0603 - steps have no other way to it
    fleet = fleet_of(name)
    # The id and the version are given: DBOS goes on with workflows of the same ones alone.
    DBOS(
        config={
            "name": "fleet",
            "system_database_url": database or f"sqlite:///{folder}/dbos.sqlite",
            "executor_id": name,
            "application_version": "1",
        }
    )
    client = TensorOne(settle_time=fleet.settle_time)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        DBOS.launch()
        before = DBOS.list_workflows(
            status="SUCCESS", workflow_id_prefix=f"{fleet.name}-", load_input=False, load_output=False
        )
        done = len(before)
        state = fleet.start() if done == 0 else DBOS.retrieve_workflow(f"{fleet.name}-{done}").get_result()
        while True:
            done += 1
            with SetWorkflowID(f"{fleet.name}-{done}"):  # of one that is under way already, it waits for the end
                state = DBOS.start_workflow(keep, name, state).get_result()
            Path(folder, f"claim-{name}.txt").write_text("\n".join(state.cluster_ids))


if __name__ == "__main__":
    main(*sys.argv[1:])
