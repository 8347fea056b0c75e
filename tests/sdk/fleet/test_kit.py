"""The kit: `look`, `round` and `end`, a runner made of them, and what comes of a call that dies and is repeated."""

import json
import re
import time
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import anyio
import httpx
import pytest
from pydantic import TypeAdapter

from tensorone import (
    AuthenticationError,
    BidPolicy,
    ClusterSpec,
    ConfigurationError,
    InvalidArgument,
    RetryPolicy,
    TensorOne,
    TensorOneError,
)
from tensorone.emulator import Fault
from tensorone.fleet import (
    End,
    FleetSpec,
    FleetState,
    Intent,
    Look,
    Moved,
    Order,
    Pending,
    Recover,
    RecoveryFailed,
    RecoverySucceeded,
    RentalSent,
    step,
)

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
TRAIN = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S], volume_in_gb=20)
RENT, BID, LIST, PRICES, TERMINATE = (
    "clusterRentInterruptable",
    "clusterBidResume",
    "myself",
    "gpuTypes",
    "clusterTerminate",
)


def fleet_of(count, **settings):
    """A fleet of so many slots."""
    slots = {f"w{number}": "train" for number in range(count)}
    given = {"name": "night", "slots": slots, "specs": {"train": TRAIN}, "bidding": BidPolicy(ceiling=0.4)}
    return FleetSpec(**given | settings)


def through_json(value, kind):
    """The value as another process reads it."""
    form = TypeAdapter(kind)
    return form.validate_json(form.dump_json(value))


class Runner:
    """A runner as small as may be; every value goes through JSON, as between the steps of an engine."""

    def __init__(self, client, fleet, state=None):
        self.client = client
        self.fleet = through_json(fleet, FleetSpec)
        self.state = state or self.fleet.start()
        self.events = []
        self.looks = []

    def observe(self, observation):
        """One step."""
        self.state, actions = step(self.state, observation, self.client._session.now(), self.fleet.settings)
        self.state = through_json(self.state, FleetState)
        self.events += [each for each in actions if not isinstance(each, Recover | End)]
        return actions

    async def tick(self):
        """One look, and what follows from it."""
        look = await self.client.fleet.look(self.fleet, self.state.cluster_ids, others=self.state.other_ids)
        self.looks.append(look)
        actions = self.observe(through_json(look, Look))
        for each in [one for one in actions if isinstance(one, End)]:
            await self.client.fleet.end(each.cluster_id, how=each.how)
        for each in [one for one in actions if isinstance(one, Recover)]:
            await self.recover(through_json(self.fleet.order_of(each), Order), look)

    async def recover(self, order, look):
        """One round, written down before."""
        now, by = self.client._session.now(), self.client.fleet.by
        intent = through_json(self.fleet.intent_of(order, self.state, by=by, now=now), Intent)
        self.state, _ = step(self.state, RentalSent(order.recover.cluster_id, by), intent.begun_at, self.fleet.settings)
        outcome = await self.client.fleet.round(
            order, look=look.about(order), own_bids=self.state.own_bids, intent=intent
        )
        self.observe(through_json(outcome, RecoverySucceeded | RecoveryFailed | Pending))

    async def run(self, seconds):
        """Ticks for so long."""
        with anyio.move_on_after(seconds):
            while True:
                await self.tick()
                await anyio.sleep(self.fleet.every)


def running(emulator):
    """Ids of what runs."""
    return sorted(each.id for each in emulator.world.clusters.values() if each.running)


def carrying(emulator, token):
    """Ids of what runs with a client token."""
    everything = emulator.world.clusters.values()
    return [each.id for each in everything if each.running and dict(each.env)["TENSORONE_CLIENT_TOKEN"] == token]


def existing(emulator):
    """Ids of what has not been terminated."""
    return sorted(emulator.world.clusters)


def test_a_fleet_begins_with_names_and_is_kept(on):
    """Slots without a cluster are filled, what is lost is replaced, and what was left behind is ended if told to."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(6, left_behind="terminate"))
        await runner.run(40)
        assert sorted(runner.state.cluster_ids) == running(emulator)
        assert len(running(emulator)) == 6
        assert emulator.world.requests[RENT] == 6
        emulator.world.terminate(running(emulator)[0])
        emulator.world.preempt(running(emulator)[0])
        await runner.run(200)
        assert sorted(runner.state.cluster_ids) == running(emulator) == existing(emulator)
        assert emulator.world.requests[RENT] <= 8
        assert [type(each) for each in runner.events].count(Moved) >= 7
        assert not runner.state.left_behind

    on(main)


@pytest.mark.parametrize("left_behind", ["keep", "terminate"])
def test_a_fleet_becomes_another_one(on, left_behind):
    """What has no slot any more is ended, also what a round under way brings; new slots are filled; at last, none."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(4, left_behind=left_behind))
        await runner.run(200)
        assert runner.fleet.reshaped(runner.state) is runner.state
        gone = runner.state.members[3].cluster_id
        emulator.world.preempt(gone)
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids)
        (due,) = (each for each in runner.observe(look) if isinstance(each, Recover))
        order = runner.fleet.order_of(due)
        runner.fleet = replace(runner.fleet, slots={"w0": "train", "w1": "train", "v0": "train"})
        runner.state = runner.fleet.reshaped(runner.state)
        await runner.recover(order, look)  # it was under way meanwhile
        assert len(running(emulator)) == 4
        await runner.run(100)
        assert sorted(runner.state.cluster_ids) == running(emulator) == existing(emulator)
        assert gone not in existing(emulator)
        assert [each.origin for each in runner.state.members] == ["night--w0", "night--w1", "night--v0"]
        assert not runner.state.left_behind
        runner.fleet = replace(runner.fleet, slots={})
        runner.state = through_json(runner.fleet.reshaped(runner.state), FleetState)
        emulator.faults.add(Fault("graphql_error", operation=TERMINATE))
        with suppress(TensorOneError):
            await runner.tick()  # an end that fails is ordered again
        await runner.run(40)
        assert existing(emulator) == []
        assert not runner.state.left_behind

    on(main)


def test_what_was_moved_and_lost_its_slot_is_ended(on):
    """Under `keep`, too: neither what the round of a slot that is gone brings, nor what it leaves, stays."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(1, left_behind="keep"))
        await runner.run(200)
        emulator.world.preempt(*runner.state.cluster_ids)
        emulator.world.sell_out(A40)
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids)
        (due,) = (each for each in runner.observe(look) if isinstance(each, Recover))
        order, none = runner.fleet.order_of(due), replace(runner.fleet, slots={})
        runner.state = none.reshaped(runner.state)
        await runner.recover(order, look)
        assert len(running(emulator)) == 1
        assert len(existing(emulator)) == 2
        runner.fleet = none
        await runner.run(60)
        assert existing(emulator) == []

    on(main)


class Doomed(httpx.AsyncBaseTransport):
    """The network of a call that ends at one of its requests: cancelled, or killed with its process.

    Args:
        emulator: The server.
        at: The number of the request, from 0.
        sent: Whether the server has that request.
        killed: Whether nothing leaves any more; after a cancellation clean-up still may.
    """

    def __init__(self, emulator, *, at=None, sent=False, killed=False):
        self.left = at
        self.hit = anyio.Event()
        self._under = httpx.ASGITransport(emulator.app)
        self._sent = sent
        self._killed = killed

    async def handle_async_request(self, request):
        """Sends it, unless it is the one."""
        if self.left is not None and self.left <= 0:
            return await self._last(request)
        if self.left is not None:
            self.left -= 1
        return await self._under.handle_async_request(request)

    async def _last(self, request):
        if self.hit.is_set() and not self._killed:
            return await self._under.handle_async_request(request)
        if self._sent and not self.hit.is_set():
            async with anyio.create_task_group() as group:
                group.start_soon(self._ignored, request)
                await anyio.wait_all_tasks_blocked()
                self.hit.set()
        self.hit.set()
        return await anyio.sleep_forever()

    async def _ignored(self, request):
        with anyio.move_on_after(0.5):
            with suppress(OSError):
                await self._under.handle_async_request(request)


def opened(emulator, transport):
    """A client on it."""
    settings = {"url": "http://localhost/graphql", "transport": transport, "retry": RetryPolicy(attempts=1)}
    return TensorOne(emulator.api_key, **settings)


async def until_over(transport, call):
    """Runs a call until its last request; whether there was one."""
    over = False
    async with anyio.create_task_group() as group:

        async def watch():
            nonlocal over
            await transport.hit.wait()
            over = True
            group.cancel_scope.cancel()

        group.start_soon(watch)
        try:
            await call()
        finally:
            if not over:
                group.cancel_scope.cancel()
    return over


async def prepared(client, emulator, kind):
    """A runner whose next look orders one recovery: of an empty slot, in place, or of a machine that others took."""
    runner = Runner(client, fleet_of(1))
    if kind == "slot":
        return runner
    await runner.run(20)
    (one,) = running(emulator)
    emulator.world.preempt(one)
    if kind == "move":
        machine_id = emulator.world.clusters[one].machine_id
        (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
        emulator.world.occupy(machine_id, host.gpus)
    await anyio.sleep(runner.fleet.settings.stable_after)
    return runner


@pytest.mark.parametrize(
    ("kind", "how", "late", "settled"),
    [
        ("slot", "cancelled", 8, False),
        ("slot", "cancelled", 8, True),
        ("slot", "cancelled-and-repeated-elsewhere", 8, False),
        ("slot", "killed", 8, False),
        ("slot", "killed", 0, True),
        ("stop", "killed", 8, True),
        ("move", "cancelled", 0, True),
        ("move", "killed", 0, False),
    ],
)
def test_a_round_that_ends_at_any_request_and_is_repeated_rents_one(on, kind, how, late, settled):
    """By the same client or by another one, with the same arguments: one cluster per token, once all is settled."""
    hits = []

    def at(number, *, sent):
        async def main(client, emulator):
            runner = await prepared(client, emulator, kind)
            look = await client.fleet.look(runner.fleet, runner.state.cluster_ids, others=runner.state.other_ids)
            (order,) = (runner.fleet.order_of(each) for each in runner.observe(look) if isinstance(each, Recover))
            runner.observe(RentalSent(order.recover.cluster_id))
            transport = Doomed(emulator, at=number, sent=sent, killed=how == "killed")
            if late:
                emulator.faults.add(Fault("commit_late", operation=RENT, seconds=late))
                emulator.faults.add(Fault("commit_late", operation=BID, seconds=late))
            async with opened(emulator, transport) as first:
                begun, by = first._session.now(), first.fleet.by
                intent = Intent(token=order.token, begun_at=begun, by=by, settled=settled)
                given = {"look": look.about(order), "own_bids": {}, "intent": intent}
                hits.append(await until_over(transport, lambda: first.fleet.round(order, **given)))
                again = first if how == "cancelled" else client
                outcome = await again.fleet.round(order, **given)
                while isinstance(outcome, Pending):
                    await anyio.sleep(max(0.1, outcome.until - again._session.now()))
                    fresh = Intent(token=order.token, begun_at=again._session.now(), by=again.fleet.by)
                    outcome = await again.fleet.round(order, **(given | {"intent": fresh}))
                runner.observe(outcome)
                await anyio.sleep(client._session.settle_time)
                assert len(carrying(emulator, order.token)) <= 1
                await runner.run(80)
                assert running(emulator) == sorted(runner.state.cluster_ids)

        on(main)

    for sent in (False, True):
        number = len(hits)
        while len(hits) == number or hits[-1]:
            at(len(hits) - number, sent=sent)
        assert len(hits) - number >= 2


def test_a_rental_by_a_settled_token_needs_no_listing_and_a_repeated_call_finds_it(on):
    """Its look is from before the rental, which the client remembers for as long as the intent holds."""

    async def main(client, emulator):
        runner = await prepared(client, emulator, "move")
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids, others=runner.state.other_ids)
        (order,) = (runner.fleet.order_of(each) for each in runner.observe(look) if isinstance(each, Recover))
        now, by = client._session.now(), client.fleet.by
        intent = runner.fleet.intent_of(order, runner.state, by=by, now=now)
        assert intent.settled
        before = emulator.world.requests[LIST]
        outcome = await client.fleet.round(order, look=look.about(order), intent=intent)
        assert emulator.world.requests[LIST] == before
        again = await client.fleet.round(order, look=look.about(order), intent=intent)
        assert again.new_cluster_id == outcome.new_cluster_id != order.recover.cluster_id
        assert len(carrying(emulator, order.token)) == 1
        runner.observe(outcome)
        await anyio.sleep(15 + client._session.settle_time + 1)
        emulator.world.terminate(outcome.new_cluster_id)
        await runner.run(40)
        assert order.token not in client._session.unsettled  # no call with that intent rents any more

    on(main)


def test_an_intent_is_settled_only_where_the_state_knows_all_that_was_sent():
    """Not for a cluster that another program may have kept before, and not while a rental is waited for."""
    fleet = fleet_of(1)
    state = fleet.start({"w0": "abc"})
    order = fleet.order_of(Recover("abc", gone=False, number=0, origin="night--w0"))
    assert not fleet.intent_of(order, state, by="me", now=1.0).settled
    state, _ = step(state, RentalSent("abc", "me"), 1.0, fleet.settings)
    assert not fleet.intent_of(order, state, by="me", now=100.0).settled
    state, _ = step(state, RecoveryFailed("abc", "too low"), 2.0, fleet.settings)
    assert fleet.intent_of(order, state, by="me", now=3.0).settled
    moved = replace(order, recover=replace(order.recover, cluster_id="def", number=1))
    assert fleet.intent_of(moved, state, by="me", now=3.0).settled


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("call", ["look", "terminate", "stop"])
def test_a_look_or_an_end_that_ends_at_any_request_is_repeated(on, call, sent):
    """By another client: it sees what the first would have seen, and ends that cluster and no other."""
    hits = []

    async def main(client, emulator):
        runner = Runner(client, fleet_of(2))
        await runner.run(20)
        one, two = running(emulator)
        if call == "look":
            emulator.world.preempt(one)

        async def ask(each):
            if call == "look":
                return await each.fleet.look(runner.fleet, runner.state.cluster_ids)
            return await each.fleet.end(one, how=call)

        transport = Doomed(emulator, at=len(hits), sent=sent, killed=True)
        async with opened(emulator, transport) as first:
            hits.append(await until_over(transport, lambda: ask(first)))
        seen = await ask(client)
        if call == "look":
            assert seen == replace(await ask(client), at=seen.at)
            assert [each.id for each in seen.seen] == [one]
            assert {each.gpu_type_id for each in seen.quotes} == {A40, L40S}
        assert running(emulator) == [two]
        assert (one in existing(emulator)) is (call != "terminate")

    while not hits or hits[-1]:
        on(main)
    assert len(hits) >= 2


def test_a_look_is_small_and_a_round_asks_no_market_twice(on):
    """500 clusters, up or down, fit 64 KiB; one listing and one request for prices, however many rounds follow."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(8, specs={"train": replace(TRAIN, gpu_type_ids=(), gpu_type_id=A40)}))
        await runner.run(20)
        for each in running(emulator):
            emulator.world.preempt(each)
        emulator.world.set_minimum_bid(A40, "0.3")
        await anyio.sleep(200)
        before = dict(emulator.world.requests)
        await runner.tick()
        assert len(running(emulator)) == 8
        assert emulator.world.requests[PRICES] - before.get(PRICES, 0) == 1
        assert emulator.world.requests[LIST] - before[LIST] == 1
        assert emulator.world.requests[BID] - before.get(BID, 0) == 8
        await anyio.sleep(1)
        await runner.tick()
        assert emulator.world.requests[PRICES] - before.get(PRICES, 0) == 1
        seen = runner.looks[-2].seen[0]
        quotes = runner.looks[-2].quotes
        ids = [f"{place:04}zk29x8qwe" for place in range(500)]
        down = Look(
            at=time.time(), seen=tuple(replace(seen, id=each, of=f"night--w{each}") for each in ids), quotes=quotes
        )
        up = Look(at=time.time(), up=tuple(ids))
        for look in (down, up):
            assert len(TypeAdapter(Look).dump_json(look)) < 64 * 1024

    on(main)


def test_looks_of_several_fleets_share_a_listing_that_is_young_enough(on, monkeypatch):
    """One listing for all, and one request for the prices of each set of GPU types; a look says how old it is."""
    monkeypatch.setattr("tensorone._fleet.kit.MOST_MARKETS", 1)

    async def main(client, emulator):
        fleets = [fleet_of(1, name="a"), fleet_of(1, name="b"), fleet_of(1, name="c")]
        fleets[2] = replace(fleets[2], specs={"train": replace(TRAIN, gpu_type_ids=(), gpu_type_id=A40)})
        looks = []
        for each in fleets:
            looks.append(await client.fleet.look(each, each.start().cluster_ids, max_age=10))
            await anyio.sleep(2)
        assert [round(each.at - looks[0].at) for each in looks] == [0, 0, 0]
        assert [len(each.quotes) for each in looks] == [2, 2, 1]
        assert emulator.world.requests[LIST] == 1
        assert emulator.world.requests[PRICES] == 2 + 1  # a field for each GPU type, in two requests
        await client.fleet.look(fleets[0], fleets[0].start().cluster_ids)
        assert emulator.world.requests[LIST] == 2
        with pytest.raises(InvalidArgument, match="max_age"):
            await client.fleet.look(fleets[0], [], max_age=-1)

    on(main)


def test_own_bids_and_the_market_are_those_handed_in(on):
    """A round in another process does not outbid its fleet's own cluster, and asks for no price that it was given."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(1))
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids)
        (order,) = (runner.fleet.order_of(each) for each in runner.observe(look) if isinstance(each, Recover))
        before = emulator.world.requests[PRICES]
        own = {A40: [Decimal("0.195")], L40S: [0.295]}
        outcome = await client.fleet.round(order, look=look, own_bids=own)
        assert isinstance(outcome, RecoveryFailed)
        assert "Only clusters of this call hold its capacity" in outcome.reason or not outcome.tried
        assert emulator.world.requests[PRICES] == before
        assert emulator.world.requests[RENT] == 0
        assert isinstance(await client.fleet.round(order, look=look), RecoverySucceeded)
        assert emulator.world.requests[PRICES] == before

    on(main)


def test_what_an_old_look_shows_is_not_believed(on):
    """A round that begins late lists the account again, and finds what another one rented meanwhile."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(1))
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids)
        (order,) = (runner.fleet.order_of(each) for each in runner.observe(look) if isinstance(each, Recover))
        won = await client.fleet.round(order, look=look)
        await anyio.sleep(60)
        again = await client.fleet.round(order, look=look)
        assert (again.new_cluster_id, again.bid_per_gpu) == (won.new_cluster_id, None)
        assert emulator.world.requests[RENT] == 1
        late = Intent(token=order.token, begun_at=client._session.now() - 15, by=client.fleet.by)
        emulator.world.terminate(won.new_cluster_id)
        outcome = await client.fleet.round(order, look=look, intent=late)
        assert isinstance(outcome, Pending)
        assert emulator.world.requests[RENT] == 1

    on(main)


def test_a_late_start_beside_the_replacement_is_stopped(on):
    """What was left behind and starts all the same is ended; one that is started by hand, long after, is not."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(1))
        await runner.run(20)
        (old,) = running(emulator)
        machine_id = emulator.world.clusters[old].machine_id
        (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
        emulator.world.preempt(old)
        emulator.world.occupy(machine_id, host.gpus)
        await anyio.sleep(200)
        await runner.run(10)
        (new,) = running(emulator)
        assert [each.key for each in runner.state.left_behind] == [old]
        emulator.world.occupy(machine_id, 0)
        await client.spot.resume(old, bid_per_gpu=0.3, gpu_count=1)
        await runner.run(20)
        assert running(emulator) == [new]
        await anyio.sleep(400)
        await client.spot.resume(old, bid_per_gpu=0.3, gpu_count=1)
        await runner.run(20)
        assert running(emulator) == sorted([old, new])

    on(main)


def test_end_is_safe_to_repeat(on):
    """A cluster that is gone, and the name of a slot that never had one, are ended."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(1))
        await runner.run(20)
        (one,) = running(emulator)
        await client.fleet.end(one, how="stop")
        assert running(emulator) == []
        for _ in range(2):
            await client.fleet.end(one)
        await client.fleet.end(one, how="stop")
        await client.fleet.end("night--w0")
        assert existing(emulator) == []
        assert emulator.world.requests[TERMINATE] == 2
        with pytest.raises(InvalidArgument, match="how"):
            await client.fleet.end(one, how="pause")

    on(main)


def test_what_cannot_pass_is_raised_and_what_can_is_told(on, monkeypatch):
    """A variable that is not set here, and a key that is refused; a lost connection is a failed round."""

    async def main(client, emulator):
        spec = replace(TRAIN, env_from={"HF_TOKEN": "KIT_HF_TOKEN"})
        runner = Runner(client, fleet_of(1, specs={"train": spec}))
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids)
        (order,) = (runner.fleet.order_of(each) for each in runner.observe(look) if isinstance(each, Recover))
        with pytest.raises(ConfigurationError, match="HF_TOKEN is taken from the variable KIT_HF_TOKEN"):
            await client.fleet.round(order, look=look)
        assert emulator.world.requests[RENT] == 0
        monkeypatch.setenv("KIT_HF_TOKEN", "hf-planted")
        emulator.faults.add(Fault("close", operation=LIST))
        failed = await client.fleet.round(order, look=replace(look, at=0.0))
        await anyio.sleep(1)
        assert isinstance(failed, RecoveryFailed)
        assert not failed.final
        emulator.faults.add(Fault("close", operation=PRICES))
        assert (await client.fleet.look(runner.fleet, runner.state.cluster_ids)).quotes == ()
        won = await client.fleet.round(order, look=replace(look, at=0.0, quotes=()))
        assert dict(emulator.world.clusters[won.new_cluster_id].env)["HF_TOKEN"] == "hf-planted"
        assert "hf-planted" not in json.dumps([repr(order), repr(won)])
        async with TensorOne(
            "wrong", url="http://localhost/graphql", transport=httpx.ASGITransport(emulator.app)
        ) as bad:
            with pytest.raises(AuthenticationError):
                await bad.fleet.round(order, look=replace(look, at=0.0))
            theirs = Intent(token=order.token, begun_at=0.0, by="another")
            with pytest.raises(AuthenticationError):
                await bad.fleet.round(order, look=look, intent=theirs)
            with pytest.raises(AuthenticationError):
                await bad.fleet.look(runner.fleet, runner.state.cluster_ids)

    on(main)


def test_the_runner_of_the_page_keeps_its_fleet(on, monkeypatch):
    """docs/fleets.md, as it is written: killed between any two saves, it goes on from the state it saved."""
    monkeypatch.setenv("HF_TOKEN", "hf-planted")
    page = (Path(__file__).parents[3] / "docs" / "fleets.md").read_text()
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(code) == 3
    names = {}
    for each in code:
        exec(each, names)

    async def main(client, emulator):
        names["time"] = SimpleNamespace(time=client._session.now)  # of the clock that jumps
        fleet, saved = names["FLEET"], []
        state = fleet.start()
        for _ in range(12):
            state = await names["tick"](client, fleet, state, saved.append)
            await anyio.sleep(fleet.every)
            if len(saved) == 6:
                emulator.world.terminate(running(emulator)[0])
        assert running(emulator) == sorted(FleetState.from_json(saved[-1]).cluster_ids)
        assert len(running(emulator)) == 2
        assert "hf-planted" not in "".join(saved)

    on(main)


def test_a_round_takes_the_intent_of_its_own_order_alone(on):
    """By another one, or none at all, what it sends would not be looked for; it sends nothing."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(1))
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids)
        (order,) = (runner.fleet.order_of(each) for each in runner.observe(look) if isinstance(each, Recover))
        mine = runner.fleet.intent_of(order, runner.state, by=client.fleet.by, now=client._session.now())
        for intent, words in (
            ("mine", "must be an Intent, as intent_of makes it, not str"),
            (replace(mine, token="keep-other"), "is of the token keep-other, and the order of keep-night--w0"),
            (replace(mine, begun_at=float("nan")), r"intent\.begun_at: must be a finite number"),
        ):
            with pytest.raises(InvalidArgument, match=words):
                await client.fleet.round(order, look=look, intent=intent)
        assert emulator.world.requests[RENT] == 0

    on(main)


def test_a_look_that_fails_does_not_settle_what_was_sent(on):
    """By another's intent a round rents nothing, whether or not it can look; once that is settled, it says so."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(1))
        look = await client.fleet.look(runner.fleet, runner.state.cluster_ids)
        (order,) = (runner.fleet.order_of(each) for each in runner.observe(look) if isinstance(each, Recover))
        theirs = Intent(token=order.token, begun_at=client._session.now(), by="another")
        emulator.faults.add(Fault("close", operation=LIST))
        assert isinstance(await client.fleet.round(order, look=look, intent=theirs), Pending)
        await anyio.sleep(1)
        pending = await client.fleet.round(order, look=look, intent=theirs)
        assert pending.until == theirs.begun_at + 15 + client._session.settle_time
        await anyio.sleep(36)
        emulator.faults.add(Fault("close", operation=LIST))
        assert isinstance(await client.fleet.round(order, look=look, intent=theirs), Pending)
        await anyio.sleep(1)
        over = await client.fleet.round(order, look=look, intent=theirs)
        assert isinstance(over, RecoveryFailed)
        assert "needs an intent of its own" in over.reason
        assert emulator.world.requests[RENT] == 0
        runner.observe(over)
        await runner.run(40)
        assert running(emulator) == sorted(runner.state.cluster_ids)

    on(main)
