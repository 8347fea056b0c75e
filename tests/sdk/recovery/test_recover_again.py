"""`spot.recover` repeated with one client token: whatever an earlier call left, one cluster runs."""

from contextlib import suppress

import anyio
import httpx
import pytest

from tensorone import (
    BidCeilingReached,
    BidPolicy,
    ClusterSpec,
    InvalidArgument,
    NoCapacity,
    RetryPolicy,
    TensorOne,
    TensorOneError,
    WaitTimedOut,
)
from tensorone.emulator import Fault
from tensorone.events import LeftBehind

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S], volume_in_gb=20)
RENT, BID, LIST, STOP, TERMINATE = (
    "clusterRentInterruptable",
    "clusterBidResume",
    "myself",
    "clusterStop",
    "clusterTerminate",
)
SETTINGS = {"bidding": BidPolicy(ceiling=0.35), "timeout": 120, "strategy": "replace_next", "client_token": "job"}


async def stopped(client, emulator, *, token=None, taken=True):
    """The id of a cluster that was stopped, perhaps with its machine let to others."""
    found = await client.spot.rent(SPEC, bid_per_gpu=0.25, client_token=token)
    await client.clusters.stop(found.id)
    if taken:
        take(emulator, found.id)
    return found.id


def take(emulator, cluster_id, *, free=0):
    """Lets all GPUs of a cluster's machine to others, but for so many."""
    machine_id = emulator.world.clusters[cluster_id].machine_id
    (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
    emulator.world.occupy(machine_id, host.gpus - free)


def running(emulator):
    """Ids of what runs."""
    return [each.id for each in emulator.world.clusters.values() if each.running]


class Dying(httpx.AsyncBaseTransport):
    """The transport of a process that dies right after it sent so many requests: no answer reaches it any more."""

    def __init__(self, app, requests):
        self._under = httpx.ASGITransport(app)
        self._left = requests
        self.dead = anyio.Event()

    async def handle_async_request(self, request):
        """Sends the request, unless it is dead."""
        self._left -= 1
        if self._left > 0:
            return await self._under.handle_async_request(request)
        if self._left == 0:
            async with anyio.create_task_group() as group:
                group.start_soon(self._under.handle_async_request, request)
                await anyio.wait_all_tasks_blocked()
                self.dead.set()
        return await anyio.sleep_forever()


def killed(emulator, requests, cluster_id, spec=SPEC):
    """A call in a process that dies so far into it, or ends before that."""
    dying = Dying(emulator.app, requests)
    settings = {"url": "http://localhost/graphql", "transport": dying, "retry": RetryPolicy(attempts=1)}

    async def call() -> None:
        async with TensorOne(emulator.api_key, **settings) as client:
            with suppress(TensorOneError):
                await client.spot.recover(cluster_id, spec, **SETTINGS)
        dying.dead.set()

    return dying, call


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("meanwhile", ["taken", "freed", "gone"])
@pytest.mark.parametrize("requests", range(1, 12))
def test_repeated_after_each_request_one_cluster_runs(on, requests, meanwhile, late):
    """Also where the rental is committed late, and the machine comes free in between."""

    async def main(client, emulator):
        old = await stopped(client, emulator)
        if meanwhile == "gone":
            await client.clusters.terminate(old)
        if late:
            emulator.faults.add(Fault("commit_late", operation=RENT, seconds=2))
        dying, call = killed(emulator, requests, old)
        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await dying.dead.wait()
            if meanwhile == "freed":
                take(emulator, old, free=1)
            rental = await client.spot.recover(old, SPEC, **SETTINGS)
            again = await client.spot.recover(old, SPEC, **SETTINGS)
            assert again.cluster.id == rental.cluster.id
            await anyio.sleep(60)
            group.cancel_scope.cancel()
        assert running(emulator) == [rental.cluster.id]

    on(main)


def test_a_running_replacement_is_the_result(on):
    """The old cluster is not started beside it, although its machine came free; what it leaves is named again."""

    async def main(client, emulator):
        old = await stopped(client, emulator)
        first = await client.spot.recover(old, SPEC, **SETTINGS)
        take(emulator, old, free=1)
        before = emulator.world.requests[BID]
        scope = client.limited(max_hourly_spend=0.5)
        again = await scope.spot.recover(old, SPEC, **SETTINGS)
        assert (again.cluster.id, again.kind, again.gpu_type_id) == (first.cluster.id, None, None)
        left = again.left_behind
        assert (left.old_cluster_id, float(left.volume_cost_per_month)) == (old, 4)
        assert left.old_machine_id == first.left_behind.old_machine_id
        assert emulator.world.requests[BID] == before
        assert running(emulator) == [first.cluster.id]

    on(main)


def test_a_stopped_replacement_is_started_where_it_is(on):
    """It has the place now, and the data: neither is it returned as it is, nor is the old cluster started."""

    async def main(client, emulator):
        old = await stopped(client, emulator)
        first = await client.spot.recover(old, BOTH, **SETTINGS)
        emulator.world.preempt(first.cluster.id)
        take(emulator, old, free=1)
        again = await client.spot.recover(old, BOTH, **SETTINGS)
        assert (again.cluster.id, again.kind, again.gpu_type_id) == (first.cluster.id, "spot", None)
        assert again.left_behind.old_cluster_id == old
        assert running(emulator) == [first.cluster.id]
        emulator.world.preempt(first.cluster.id)
        again = await client.spot.recover(old, BOTH, **{**SETTINGS, "strategy": "replace_cheapest"})
        assert again.cluster.id == first.cluster.id
        emulator.world.preempt(first.cluster.id)
        again = await client.spot.recover(old, SPEC, **{**SETTINGS, "strategy": "in_place"})
        assert again.cluster.id == first.cluster.id

    on(main)


def test_a_replacement_that_cannot_start_is_refused_in_words(on):
    """One token is for one cluster: the error says so, and how to go on."""

    async def main(client, emulator):
        old = await stopped(client, emulator)
        first = (await client.spot.recover(old, SPEC, **SETTINGS)).cluster.id
        await client.clusters.stop(first)
        take(emulator, first)
        with pytest.raises(NoCapacity, match="itself carries the client token 'job'"):
            await client.spot.recover(old, SPEC, **SETTINGS)
        with pytest.raises(NoCapacity) as caught:
            await client.spot.recover(old, SPEC, **{**SETTINGS, "strategy": "in_place"})
        assert "token" not in str(caught.value)
        second = await client.spot.recover(first, SPEC, **{**SETTINGS, "client_token": "job-2"})
        assert running(emulator) == [second.cluster.id]

    on(main)


def test_a_cluster_with_the_token_itself_is_never_its_own_replacement(on):
    """It was rented with the token that it is now recovered with."""

    async def main(client, emulator):
        old = await stopped(client, emulator, token="job", taken=False)
        rental = await client.spot.recover(old, SPEC, **SETTINGS)
        assert (rental.cluster.id, rental.gpu_type_id, rental.left_behind) == (old, A40, None)
        emulator.world.set_minimum_bid(A40, "0.5")
        with pytest.raises(BidCeilingReached, match=r"recover .* with a token of its own"):
            await client.spot.recover(old, SPEC, **SETTINGS)
        assert list(emulator.world.clusters) == [old]

    on(main)


def test_an_old_cluster_that_runs_too_is_named(on):
    """Someone started it: nothing is stopped, and the result says that both are billed."""

    async def main(client, emulator):
        old = await stopped(client, emulator)
        first = await client.spot.recover(old, SPEC, **SETTINGS)
        take(emulator, old, free=1)
        await client.spot.resume(old, bid_per_gpu=0.25, gpu_count=1)
        again = await client.spot.recover(old, SPEC, **SETTINGS)
        assert again.cluster.id == first.cluster.id
        assert "runs too, and is billed" in again.left_behind.reason
        assert len(running(emulator)) == 2

    on(main)


def test_a_listing_that_fails_starts_nothing(on):
    """It is asked for again until the deadline; afterwards, where one runs already, it costs nothing."""

    async def main(client, emulator):
        old = await stopped(client, emulator)
        emulator.faults.add(Fault("bad_gateway", operation=LIST, times=None))
        with pytest.raises(WaitTimedOut, match="could not be listed in time"):
            await client.spot.recover(old, SPEC, **SETTINGS)
        emulator.faults.clear()
        emulator.faults.add(Fault("server_error", operation=LIST, status=401))
        with pytest.raises(TensorOneError):
            await client.spot.recover(old, SPEC, **SETTINGS)
        assert not running(emulator)
        emulator.faults.add(Fault("bad_gateway", operation=LIST))
        emulator.world.later(5, lambda: emulator.faults.add(Fault("bad_gateway", operation=LIST, times=None)))
        rental = await client.spot.recover(old, SPEC, **SETTINGS)
        assert running(emulator) == [rental.cluster.id]

    on(main)


def test_a_cancellation_while_the_token_is_looked_for_leaves_nothing(on):
    """What was rented is terminated; what was started where it is goes on."""

    async def main(client, emulator):
        old = await stopped(client, emulator)
        with anyio.move_on_after(10) as scope:
            await client.spot.recover(old, SPEC, **SETTINGS)
        assert scope.cancelled_caught
        assert list(emulator.world.clusters) == [old]
        take(emulator, old, free=1)
        with anyio.move_on_after(10):
            await client.spot.recover(old, SPEC, **SETTINGS)
        assert running(emulator) == [old]

    on(main)


def test_what_a_cancelled_call_rented_and_cannot_end_is_told(on):
    """A replacement that cannot be terminated in time is named, since its caller never hears of it."""
    told = []

    async def main(client, emulator):
        old = await stopped(client, emulator)
        emulator.faults.add(Fault("bad_gateway", operation="clusterTerminate", times=None))
        with anyio.move_on_after(10):
            await client.spot.recover(old, SPEC, **SETTINGS)
        (rented,) = running(emulator)
        (left,) = [event for event in told if isinstance(event, LeftBehind) and rented in event.cluster_ids]
        assert "could not be terminated" in str(left)

    on(main, on_event=told.append)


class TestOwnBids:
    """Recoveries in several processes."""

    def test_a_minimum_that_ones_own_bid_causes_is_no_offer(self, on):
        """Winning would only end the other cluster: it waits, and moves to another type where that is allowed."""

        async def main(client, emulator):
            emulator.world.leave_free(A40, 2)
            held = await client.spot.rent(SPEC, bid_per_gpu=0.25)
            lost = await stopped(client, emulator, taken=False)
            emulator.world.leave_free(A40, 0)
            settings = {"bidding": BidPolicy(ceiling=0.35), "timeout": 30, "own_bids": {A40: [0.25]}}
            with pytest.raises(NoCapacity):
                await client.spot.recover(lost, SPEC, **settings)
            moved = await client.spot.recover(lost, BOTH, **settings, strategy="replace_next")
            assert moved.gpu_type_id == L40S
            assert emulator.world.clusters[held.id].running

        on(main)

    @pytest.mark.parametrize("given", [0.25, [0.25], {A40: 0.25}, {A40: "0.25"}, {A40: [-1]}, {5: [0.25]}])
    def test_bad_own_bids_are_named(self, on, given):
        """Before anything is sent."""

        async def main(client, emulator):
            with pytest.raises(InvalidArgument) as caught:
                await client.spot.recover("x", SPEC, bidding=BidPolicy(ceiling=0.3), timeout=1, own_bids=given)
            assert caught.value.field == "own_bids"
            assert emulator.world.requests.total() == 0

        on(main)
