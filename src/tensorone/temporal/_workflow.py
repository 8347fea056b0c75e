"""The workflow of a shard: one loop that looks, decides by `step` and begins rounds. Deterministic.

One run of it at a time writes the state: its id is the fleet's lock. It has no other loop and no task of its own:
activities that are under way are handles, which it takes in as they end.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from tensorone.fleet import FleetSpec, Look, PollFailed, Recover

from . import _shard
from ._activities import HEARTBEAT, Activities
from ._lost_rounds import ignored, outcome_of, raise_unless, trouble_of, words_of
from ._names import acting_queue
from ._values import Ends, FleetStatus, How, Looked, LookTask, RoundEnd, RoundEnds, RoundTask, RoundTasks, Shard, Told

if TYPE_CHECKING:
    from collections.abc import Collection

    from tensorone.fleet import End

H = TypeVar("H", bound="workflow.ActivityHandle[Any]")
A = TypeVar("A")

UNTIL_STARTED = timedelta(seconds=7)  # of the 15 s in which a round may send
BRIEF = timedelta(seconds=60)
WHILE_BUSY = 2  # times the events after which a run ends, it goes on for as long as something is under way
TOGETHER = 8  # rounds or ends that one activity carries: they end together, so that a lost answer holds up as many
ONCE = RetryPolicy(maximum_attempts=1)
THRICE = RetryPolicy(maximum_attempts=3, initial_interval=timedelta(seconds=1))


@workflow.defn(name="tensorone-fleet")
class FleetWorkflow:
    """Keeps one shard."""

    @workflow.init
    def __init__(self, shard: Shard) -> None:
        self._shard = _shard.resumed(shard)
        self._queue = acting_queue(workflow.info().task_queue)
        self._at_once = workflow.info().continued_run_id is not None and _shard.waits(self._shard)
        self._latest = Look(at=0.0)
        self._orders: deque[Recover] = deque()
        self._look: workflow.ActivityHandle[Looked] | None = None
        self._rounds: list[tuple[workflow.ActivityHandle[RoundEnds], dict[str, bool]]] = []
        self._ends: list[tuple[workflow.ActivityHandle[None], tuple[str, ...]]] = []
        self._ended: dict[str, float] = {}
        self._changed = False

    @workflow.run
    async def run(self, shard: Shard) -> None:  # noqa: ARG002 - `__init__` has it
        """Until the fleet is ended and the account shows nothing of it."""
        while not self._over:
            if self._may_continue:
                workflow.continue_as_new(_shard.packed(self._shard))
            self._begin()
            await self._news()
            self._take_in()

    @workflow.signal
    def keep(self, fleet: FleetSpec) -> None:
        """The fleet is to be another one from now on."""
        self._shard = _shard.reshaped(self._shard, fleet, busy=self._busy, now=workflow.time())
        self._wake()

    @workflow.signal
    def end(self, how: How) -> None:
        """Ends all clusters; the workflow then ends."""
        self._shard = _shard.ending(self._shard, how, busy=self._busy, now=workflow.time())
        self._wake()

    @workflow.query
    def status(self) -> FleetStatus:
        """How the shard is."""
        return _shard.status_of(self._shard)

    @workflow.query
    def fleet(self) -> FleetSpec:
        """What the shard is to be."""
        return self._shard.fleet

    @workflow.query
    def told(self, after: int) -> list[Told]:
        """The events after this number, as far as they are kept."""
        return [each for each in self._shard.told if each.number > after]

    @property
    def _over(self) -> bool:
        return self._shard.ending is not None and not self._under_way and _shard.is_idle(self._shard)

    @property
    def _under_way(self) -> bool:
        return self._look is not None or bool(self._rounds) or bool(self._ends)

    @property
    def _busy(self) -> set[str]:
        """The clusters with a round under way."""
        return {each for _, new in self._rounds for each in new}

    @property
    def _may_continue(self) -> bool:
        """Whether the next run may begin: a look that is under way is lost by it, and that run looks at once."""
        if self._is_full:
            return not self._rounds and not self._ends
        return not self._under_way and workflow.info().get_current_history_length() > self._shard.most_events

    @property
    def _is_full(self) -> bool:
        """Whether no round and no end is begun any more: there always are some while much of a fleet is lost."""
        info = workflow.info()
        length, most = info.get_current_history_length(), WHILE_BUSY * self._shard.most_events
        return length > most or info.is_continue_as_new_suggested()

    def _wake(self) -> None:
        """Looks now: the look that is under way waits for its time, and knows nothing of what has changed."""
        self._at_once = self._changed = True
        if self._look is not None:
            self._look.add_done_callback(ignored)
            self._look.cancel()
            self._look = None

    def _begin(self) -> None:
        """Begins what is due."""
        if self._look is None and not _shard.is_idle(self._shard):
            self._look = self._begin_look()
        self._orders = deque(_shard.still_asked(self._shard, self._orders))
        free = self._shard.fleet.width - len(self._busy)
        while self._orders and free > 0 and not self._is_full:
            batch = [self._orders.popleft() for _ in range(min(len(self._orders), free, TOGETHER))]
            self._begin_rounds(batch)
            free -= len(batch)

    def _begin_look(self) -> workflow.ActivityHandle[Looked]:
        """It waits for its time where it is made, so that it costs no timer, and all shards look at the same time."""
        shard, at_once, self._at_once = self._shard, self._at_once, False
        task = LookTask(
            fleet=replace(shard.fleet, slots={}),
            members=shard.state.cluster_ids,
            others=_shard.other_ids(shard),
            own_bids=shard.state.own_bids,
            at_once=at_once,
        )
        return workflow.start_activity_method(
            Activities.look,
            task,
            task_queue=self._queue,
            start_to_close_timeout=BRIEF + timedelta(seconds=shard.fleet.every),
            heartbeat_timeout=HEARTBEAT,
            retry_policy=THRICE,
        )

    def _begin_rounds(self, recoveries: Collection[Recover]) -> None:
        tasks = tuple(self._round_task(each) for each in recoveries)
        handle = workflow.start_activity_method(
            Activities.rounds,
            RoundTasks(tasks),
            task_queue=self._queue,
            schedule_to_start_timeout=UNTIL_STARTED,
            start_to_close_timeout=BRIEF + timedelta(seconds=2 * self._shard.fleet.settle_time),
            heartbeat_timeout=HEARTBEAT,
            retry_policy=ONCE,  # whoever repeats a round has to know that it was begun before
        )
        self._rounds.append((handle, {each.order.recover.cluster_id: each.new for each in tasks}))

    def _round_task(self, recover: Recover) -> RoundTask:
        order = self._shard.fleet.order_of(recover)
        self._shard, intent, new = _shard.sending(self._shard, order, str(workflow.uuid4()), workflow.time())
        own = _shard.bids_for(self._shard, order)
        return RoundTask(order=order, look=self._latest.about(order), own_bids=own, intent=intent, new=new)

    async def _news(self) -> None:
        """Waits until something has ended, or a signal came."""
        try:
            await workflow.wait_condition(self._is_news)
        except BaseException as error:  # noqa: BLE001 - only asyncio has a name for a cancellation
            raise_unless(workflow.in_workflow() and workflow.cancellation_reason() is not None, error)
            self.end("terminate")

    def _is_news(self) -> bool:
        handles = [*([] if self._look is None else [self._look]), *(each for each, _ in (*self._rounds, *self._ends))]
        return self._changed or any(each.done() for each in handles)

    def _take_in(self) -> None:
        """Decides on what has ended."""
        self._changed = False
        self._ends, ends = _divided(self._ends)
        for ended, cluster_ids in ends:
            self._take_ends(ended.exception(), cluster_ids)
        self._rounds, rounds = _divided(self._rounds)
        for round_ends, new in rounds:
            self._take_rounds(round_ends, new)
        if self._look is not None and self._look.done():
            handle, self._look = self._look, None
            self._take_look(handle)

    def _take_ends(self, error: BaseException | None, cluster_ids: Collection[str]) -> None:
        """A look that began later tells whether they are to be repeated."""
        if error is not None:
            self._trouble(trouble_of(error))
        else:
            self._ended.update(dict.fromkeys(cluster_ids, workflow.time()))

    def _take_rounds(self, handle: workflow.ActivityHandle[RoundEnds], new: dict[str, bool]) -> None:
        if (error := handle.exception()) is None:
            ends = handle.result().ends
        else:
            ends = tuple(RoundEnd(outcome=outcome_of(error, each, new=own)) for each, own in new.items())
            self._trouble(trouble_of(error))
        for each in ends:
            self._trouble(each.trouble)
            self._decided(*_shard.observed(self._shard, each.outcome, workflow.time()))

    def _take_look(self, handle: workflow.ActivityHandle[Looked]) -> None:
        if (error := handle.exception()) is not None:
            self._shard = replace(self._shard, trouble=words_of(error), troubled_at=None)
            self._decided(*_shard.observed(self._shard, PollFailed(), workflow.time()))
            return
        looked = handle.result()
        self._latest = looked.look
        self._ended = {each: at for each, at in self._ended.items() if at > self._latest.at}
        self._shard = _shard.knowing(self._shard, looked.other_bids)
        self._decided(*_shard.looked(self._shard, self._latest, workflow.time()))

    def _decided(self, shard: Shard, recoveries: Collection[Recover], ends: Collection[End]) -> None:
        self._shard = shard
        self._orders.extend(recoveries)
        if self._is_full:
            return  # the next look orders the ends again
        known = {*self._ended, *(each for _, cluster_ids in self._ends for each in cluster_ids)}
        new = [each for each in ends if each.cluster_id not in known]
        for start in range(0, len(new), TOGETHER):
            self._begin_ends(new[start : start + TOGETHER])

    def _begin_ends(self, actions: Collection[End]) -> None:
        handle = workflow.start_activity_method(
            Activities.ends,
            Ends(tuple(actions)),
            task_queue=self._queue,
            start_to_close_timeout=BRIEF,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=THRICE,
        )
        self._ends.append((handle, tuple(each.cluster_id for each in actions)))

    def _trouble(self, words: str | None) -> None:
        if words is not None:
            self._shard = _shard.troubled(self._shard, words, workflow.time())


def _divided(under_way: list[tuple[H, A]]) -> tuple[list[tuple[H, A]], list[tuple[H, A]]]:
    """What goes on, and what has ended."""
    return [each for each in under_way if not each[0].done()], [each for each in under_way if each[0].done()]
