"""Getting a stopped cluster running again, against a market that does not wait."""

from dataclasses import replace

import anyio
import pytest
from wires import graphql, refusal, schema_without, scripted

from tensorone import (
    AuthenticationError,
    BidCeilingReached,
    BidPolicy,
    BidTooLow,
    ClusterNotFound,
    ClusterSpec,
    InvalidArgument,
    NoCapacity,
    OperationUnsupported,
    QueryError,
    RetryPolicy,
    SpendLimitReached,
    WaitTimedOut,
)
from tensorone._recovery.policy import refusal_of
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S], volume_in_gb=20)
BIDDING = BidPolicy(ceiling=0.4)
RENT, BID, RESUME, GET = "clusterRentInterruptable", "clusterBidResume", "clusterResume", "cluster"


async def rented(client, emulator, *, spot=True, gpu_count=1):
    """The id of a running cluster."""
    spec = ClusterSpec(image_name="i", gpu_type_id=A40, gpu_count=gpu_count, volume_in_gb=20)
    found = await (client.spot.rent(spec, bid_per_gpu=0.25) if spot else client.clusters.deploy(spec))
    await client.clusters.wait_until_running(found.id, timeout=60)
    return found.id


async def stopped(client, emulator, *, spot=True, gpu_count=1, machine_taken=False):
    """The id of a stopped cluster, its machine rented to others if asked for."""
    cluster_id = await rented(client, emulator, spot=spot, gpu_count=gpu_count)
    await client.clusters.stop(cluster_id)
    if machine_taken:
        take(emulator, cluster_id)
    return cluster_id


def take(emulator, cluster_id, *, leave=0):
    """Rents all but so many GPUs of a cluster's machine to others."""
    machine_id = emulator.world.clusters[cluster_id].machine_id
    (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
    emulator.world.occupy(machine_id, host.gpus - leave)


class TestEnsureRunning:
    """`clusters.ensure_running`."""

    def test_what_runs_is_left_as_it_is(self, on):
        """No start request is sent for a running cluster."""

        async def main(client, emulator):
            cluster_id = await rented(client, emulator)
            cluster = await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=60)
            assert cluster.id == cluster_id
            assert cluster.runtime is not None
            assert emulator.world.requests[RESUME] + emulator.world.requests[BID] == 0

        on(main)

    def test_a_stopped_cluster_is_started_and_waited_for(self, on):
        """An on-demand cluster needs no policy, and its container is up when the call returns."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False)
            cluster = await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=60)
            assert cluster.runtime is not None
            assert (emulator.world.requests[RESUME], emulator.world.requests[BID]) == (1, 0)

        on(main)

    def test_the_wrong_kind_is_refused_once_and_then_known(self, on):
        """With a policy a bid comes first, and an on-demand cluster then starts at its fixed price."""

        async def main(client, emulator):
            settings = {"gpu_count": 1, "timeout": 60, "bidding": BidPolicy(ceiling=0.5), "gpu_type_id": A40}
            cluster_id = await stopped(client, emulator, spot=False)
            tried = []
            await client.clusters.ensure_running(cluster_id, **settings, on_attempt=tried.append)
            assert [attempt.kind for attempt in tried] == ["spot", "on_demand"]
            spot_id = await stopped(client, emulator)
            with pytest.raises(QueryError, match="resumes only by a bid"):
                await client.clusters.ensure_running(spot_id, gpu_count=1, timeout=60)
            await client.clusters.ensure_running(spot_id, **settings)
            assert emulator.world.clusters[spot_id].running

        on(main)

    def test_bids_are_raised_and_the_market_is_waited_for(self, on):
        """Above the ceiling nothing is bid until the market falls."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)
            emulator.world.set_minimum_bid(A40, "0.5")
            emulator.world.later(50, lambda: emulator.world.set_minimum_bid(A40, "0.3"))
            await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=200, bidding=BIDDING, gpu_type_id=A40)
            assert emulator.world.requests[BID] == 1
            assert 0.3 <= emulator.world.clusters[cluster_id].price <= 0.4

        on(main)

    def test_gpus_that_are_gone_are_waited_for_only_if_allowed(self, on):
        """Without that the error says what is billed."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False, machine_taken=True)
            with pytest.raises(NoCapacity, match="rented to others") as caught:
                await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=60)
            assert "stays billed" in caught.value.billing
            assert caught.value.ledger
            machine_id = emulator.world.clusters[cluster_id].machine_id
            emulator.world.later(30, lambda: emulator.world.occupy(machine_id, 0))
            await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=200, wait_for_gpus=100)
            assert emulator.world.clusters[cluster_id].running

        on(main)

    def test_data_can_be_saved_without_gpus(self, on):
        """The cluster runs without GPUs, as requested."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False, machine_taken=True)
            cluster = await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=60, start_without_gpus=True)
            assert cluster.runtime.gpus == []
            with pytest.raises(NoCapacity, match="0 GPUs, fewer than the 1 wanted") as caught:
                await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=60)
            assert "is billed" in caught.value.billing
            either = {"min_gpu_count": 0, "start_without_gpus": True}
            await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=60, **either)

        on(main)

    def test_a_read_may_be_older_than_the_start(self, on):
        """What was just started is not started again; what stays stopped is."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)

            def outbid(attempt) -> None:
                if emulator.world.requests[BID] == 1:
                    emulator.world.later(1, lambda: emulator.world.preempt(cluster_id))

            await client.clusters.ensure_running(
                cluster_id, gpu_count=1, timeout=200, bidding=BIDDING, gpu_type_id=A40, on_attempt=outbid
            )
            first, second = [entry.at for entry in emulator.world.log if BID in entry.root_fields]
            assert second - first >= 20

        on(main)

    def test_what_was_terminated_is_not_found(self, on):
        """By two reads, one right after the other; so is what never was."""

        async def main(client, emulator):
            cluster_id = await rented(client, emulator)
            await client.clusters.terminate(cluster_id)
            for missing in (cluster_id, "nosuch"):
                began, before = anyio.current_time(), emulator.world.requests[GET]
                with pytest.raises(ClusterNotFound, match="never was, or it was terminated"):
                    await client.clusters.ensure_running(missing, gpu_count=1, timeout=60)
                with pytest.raises(ClusterNotFound):
                    await client.spot.recover(missing, SPEC, bidding=BIDDING, timeout=60)
                assert anyio.current_time() == began
                assert emulator.world.requests[GET] == before + 4

        on(main)

    def test_transient_failures_are_survived_and_others_are_not(self, on):
        """A bad gateway, a lost answer; then a wrong key."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False)
            emulator.faults.add(Fault("bad_gateway", operation=GET))
            emulator.faults.add(Fault("commit_late", operation=RESUME, seconds=40))
            await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=300)
            assert emulator.world.clusters[cluster_id].running
            await client.clusters.stop(cluster_id)
            emulator.faults.add(Fault("server_error", operation=RESUME, status=401))
            with pytest.raises(AuthenticationError):
                await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=300)
            emulator.faults.add(Fault("server_error", operation=GET, status=401))
            with pytest.raises(AuthenticationError):
                await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=300)

        on(main)

    def test_the_deadline_is_kept(self, on):
        """The reason of the last attempt decides: the market above the ceiling, no GPUs, or else the time."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)
            settings = {"gpu_count": 1, "bidding": BidPolicy(ceiling=0.35), "gpu_type_id": A40}
            emulator.world.set_minimum_bid(A40, "0.36")
            with pytest.raises(BidCeilingReached, match=r"after 30 s: NVIDIA A40: the market asks 0\.36 USD") as caught:
                await client.clusters.ensure_running(cluster_id, timeout=30, **settings)
            assert (caught.value.minimum_bid, caught.value.ceiling, caught.value.last_bid) == (0.36, 0.35, None)
            assert len(caught.value.ledger) >= 2
            emulator.world.leave_free(A40, 0)
            with pytest.raises(NoCapacity, match="NVIDIA A40: none is free now"):
                await client.clusters.ensure_running(cluster_id, timeout=30, **settings)
            emulator.faults.add(Fault("hang", operation=GET, times=None))
            began = anyio.current_time()
            with pytest.raises(WaitTimedOut, match="could not be read"):
                await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=7)
            assert anyio.current_time() - began <= 7

        on(main)

    def test_a_last_read_that_fails_hides_no_reason(self, on):
        """The market was above the ceiling for as long as it could be read."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)
            emulator.world.set_minimum_bid(A40, "0.5")
            emulator.world.later(20, lambda: emulator.faults.add(Fault("bad_gateway", operation=GET, times=None)))
            with pytest.raises(BidCeilingReached):
                await client.clusters.ensure_running(
                    cluster_id, gpu_count=1, timeout=60, bidding=BIDDING, gpu_type_id=A40
                )

        on(main)

    def test_gpus_that_stay_gone_end_as_no_capacity(self, on):
        """For as long as they may be waited for; the error names the GPU type with its last answer."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, machine_taken=True)
            with pytest.raises(NoCapacity, match="NVIDIA A40: the GPUs of machine"):
                await client.clusters.ensure_running(
                    cluster_id, gpu_count=1, timeout=30, bidding=BIDDING, gpu_type_id=A40, wait_for_gpus=600
                )

        on(main)

    def test_a_fixed_price_that_is_not_known_ends_as_a_timeout(self, on):
        """No bid was too low: the cluster is on-demand, and its price could not be read."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False)
            settings = {"bidding": BidPolicy(ceiling=0.5), "on_attempt": lambda _: emulator.world.leave_free(A40, 0)}
            with pytest.raises(WaitTimedOut, match="its fixed price is not known") as caught:
                await client.clusters.ensure_running(cluster_id, gpu_count=1, timeout=30, gpu_type_id=A40, **settings)
            assert caught.value.last_seen.id == cluster_id

        on(main)

    def test_a_policy_that_gives_up_says_why(self, on):
        """The error has the numbers."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)
            emulator.world.set_minimum_bid(A40, "0.5")
            with pytest.raises(BidCeilingReached) as caught:
                await client.clusters.ensure_running(
                    cluster_id,
                    gpu_count=1,
                    timeout=30,
                    bidding=BidPolicy(ceiling=0.4, above_ceiling="give_up"),
                    gpu_type_id=A40,
                )
            assert (caught.value.minimum_bid, caught.value.ceiling) == (0.5, 0.4)

        on(main)

    def test_a_limit_on_spending_holds(self, on):
        """An unknown fixed price never fits the limit; a known one counts."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False)
            scope = client.limited(max_hourly_spend=1)
            with pytest.raises(SpendLimitReached, match="not known"):
                await scope.clusters.ensure_running(cluster_id, gpu_count=1, timeout=30)
            settings = {"timeout": 30, "bidding": BidPolicy(ceiling=0.9), "gpu_type_id": A40}
            with pytest.raises(SpendLimitReached):
                await scope.clusters.ensure_running(cluster_id, gpu_count=4, **settings)
            await scope.clusters.ensure_running(cluster_id, gpu_count=1, **settings)

        on(main)

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ({"cluster_id": ""}, "cluster_id"),
            ({"gpu_count": -1}, "gpu_count"),
            ({"timeout": 0}, "timeout"),
            ({"every": 0}, "every"),
            ({"bidding": 0.3}, "bidding"),
            ({"bidding": BIDDING}, "gpu_type_id"),
            ({"wait_for_gpus": -1}, "wait_for_gpus"),
            ({"min_gpu_count": -1}, "min_gpu_count"),
            ({"port": 0}, "port"),
            ({"on_attempt": "print"}, "on_attempt"),
        ],
    )
    def test_bad_input_is_named(self, on, arguments, field):
        """Invalid input is refused by name before anything is sent."""

        async def main(client, emulator):
            given = {"cluster_id": "x", "gpu_count": 1, "timeout": 1} | arguments
            with pytest.raises(InvalidArgument) as caught:
                await client.clusters.ensure_running(given.pop("cluster_id"), **given)
            assert caught.value.field == field
            assert emulator.world.requests.total() == 0

        on(main)


@pytest.mark.parametrize(
    ("error", "taught"),
    [
        (BidTooLow("words"), "bid_too_low"),
        (NoCapacity("words"), "gpus_gone"),
        (ClusterNotFound("words"), "not_found"),
        (QueryError("Cannot resume a spot pod as an on demand pod."), "wrong_kind"),
        (QueryError("Cannot resume an on-demand cluster as a spot cluster."), "wrong_kind"),
        (QueryError("Something else."), None),
        (AuthenticationError("words"), None),
    ],
)
def test_what_a_refusal_teaches(error, taught):
    """An error teaches by its class, and the wrong kind by the server's words."""
    assert refusal_of(error) == taught


async def test_a_server_that_answers_missing_with_an_error(open_client):
    """The error "not found" is believed at the second time, like null."""
    missing = graphql(None, refusal("pod not found"))
    async with scripted(missing, missing) as server, open_client(server.url) as client:
        with pytest.raises(ClusterNotFound):
            await client.clusters.ensure_running("x", gpu_count=1, timeout=5, every=0.01)


class TestRecover:
    """`spot.recover`."""

    def test_a_preempted_cluster_starts_again_where_it_was(self, on):
        """The cluster starts at a new bid."""

        async def main(client, emulator):
            cluster_id = await rented(client, emulator)
            emulator.world.set_minimum_bid(A40, "0.3")
            assert not emulator.world.clusters[cluster_id].running
            rental = await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=60)
            assert rental.cluster.id == cluster_id
            assert rental.bid_per_gpu == float(emulator.world.clusters[cluster_id].price) == 0.315
            assert (rental.kind, rental.left_behind) == ("spot", None)
            assert [attempt.answer for attempt in rental.attempts] == ["started"]
            again = await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=60)
            assert (again.cluster.id, again.bid_per_gpu, again.attempts) == (cluster_id, None, ())

        on(main)

    def test_another_takes_its_place_only_if_allowed(self, on, caplog):
        """And what is left behind is named: where, and what it costs."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, machine_taken=True)
            with pytest.raises(NoCapacity):
                await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=60)
            rental = await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=60, strategy="replace_same")
            assert rental.cluster.id != cluster_id
            left = rental.left_behind
            assert (left.old_cluster_id, left.volume_stays, float(left.volume_cost_per_month)) == (cluster_id, True, 4)
            assert left.old_machine_id == emulator.world.clusters[cluster_id].machine_id
            assert any(left.reason in attempt.reason for attempt in rental.attempts)
            assert sorted(emulator.world.clusters) == sorted([cluster_id, rental.cluster.id])

        on(main)
        assert "stays billed" in caplog.text

    def test_the_next_type_takes_its_place_when_this_one_is_too_expensive(self, on):
        """As `replace_next` allows."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)
            emulator.world.set_minimum_bid(A40, "0.5")
            rental = await client.spot.recover(cluster_id, BOTH, bidding=BIDDING, timeout=60, strategy="replace_next")
            assert rental.gpu_type_id == L40S

        on(main)

    def test_the_next_type_may_be_the_same_elsewhere(self, on):
        """If the machine's GPUs are gone, any type of the spec is tried: in the given order, the own type first."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, machine_taken=True)
            settings = {"bidding": BIDDING, "timeout": 60, "strategy": "replace_next"}
            rental = await client.spot.recover(cluster_id, BOTH, **settings)
            assert (rental.gpu_type_id, rental.bid_per_gpu) == (A40, 0.21)

        on(main)

    @pytest.mark.parametrize(("volume", "stays"), [(None, True), (0, False)])
    def test_a_volume_of_the_default_size_is_left_behind_too(self, on, volume, stays):
        """A volume of the default size has an unknown price; with size 0 there is none."""

        async def main(client, emulator):
            spec = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=volume)
            old = await client.spot.rent(spec, bid_per_gpu=0.25)
            await client.clusters.stop(old.id)
            take(emulator, old.id)
            settings = {"bidding": BIDDING, "timeout": 60, "strategy": "replace_same"}
            left = (await client.spot.recover(old.id, spec, **settings)).left_behind
            assert (left.volume_stays, left.volume_cost_per_month) == (stays, None if stays else 0)

        on(main)

    def test_a_rental_has_the_spec_to_recover_it_with(self, on):
        """Its own GPU type comes first, so that the bids are at that type's prices."""

        async def main(client, emulator):
            emulator.world.sell_out(L40S)
            wanted = ClusterSpec(image_name="i", gpu_type_ids=[L40S, A40], volume_in_gb=20)
            rental = await client.spot.acquire(wanted, bidding=BidPolicy(ceiling=0.7), timeout=60)
            assert rental.spec.candidates == (A40, L40S)
            emulator.world.leave_free(L40S, -1)
            emulator.world.set_minimum_bid(L40S, "0.6")
            emulator.world.preempt(rental.cluster.id)
            again = await client.spot.recover(
                rental.cluster.id, rental.spec, bidding=BidPolicy(ceiling=0.7), timeout=60
            )
            assert (again.cluster.id, again.gpu_type_id, again.bid_per_gpu) == (rental.cluster.id, A40, 0.21)
            assert again.spec == rental.spec
            await client.clusters.terminate(again.cluster.id)
            settings = {"bidding": BidPolicy(ceiling=0.2), "timeout": 60, "strategy": "replace_next"}
            emulator.world.set_minimum_bid(L40S, "0.1")
            emulator.world.set_minimum_bid(A40, "0.3")
            moved = await client.spot.recover(rental.cluster.id, rental.spec, **settings)
            assert moved.spec.candidates == (L40S, A40)

        on(main)

    def test_the_cheapest_type_takes_its_place_where_that_pays(self, on):
        """The cheapest type is rented even if the machine is free, with the volume left behind counted in."""

        async def main(client, emulator):
            settings = {"bidding": BidPolicy(ceiling=0.7), "timeout": 60, "strategy": "replace_cheapest"}
            wanted = ClusterSpec(image_name="i", gpu_type_ids=[L40S, A40], volume_in_gb=20)
            old = await client.spot.rent(replace(wanted, gpu_type_id=L40S, gpu_type_ids=()), bid_per_gpu=0.4)
            await client.clusters.stop(old.id)
            moved = await client.spot.recover(old.id, wanted, **settings)
            assert (moved.gpu_type_id, moved.bid_per_gpu) == (A40, 0.21)
            assert float(moved.left_behind.volume_cost_per_month) == 4
            await client.clusters.stop(moved.cluster.id)
            stayed = await client.spot.recover(moved.cluster.id, moved.spec, **settings)
            assert (stayed.cluster.id, stayed.left_behind) == (moved.cluster.id, None)
            await client.clusters.stop(moved.cluster.id)
            emulator.world.sell_out(L40S)
            alone = await client.spot.recover(moved.cluster.id, moved.spec, **settings)
            assert alone.cluster.id == moved.cluster.id

        on(main)

    def test_a_start_without_gpus_saves_the_data(self, on):
        """The cluster starts without GPUs only if the policy allows it."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, machine_taken=True)
            settings = {"bidding": BIDDING, "timeout": 60}
            rental = await client.spot.recover(cluster_id, SPEC, **settings, start_without_gpus=True)
            assert rental.cluster.id == cluster_id
            assert emulator.world.clusters[cluster_id].gpu_count == 0

        on(main)

    def test_a_time_shorter_than_the_interval_is_used_to_its_end(self, on):
        """Just before it is over comes a last poll."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)
            emulator.world.set_minimum_bid(A40, "0.5")
            emulator.world.later(3, lambda: emulator.world.set_minimum_bid(A40, "0.2"))
            began = anyio.current_time()
            rental = await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=14)
            assert rental.bid_per_gpu == 0.21
            assert anyio.current_time() - began <= 14
            emulator.world.preempt(cluster_id)
            emulator.faults.add(Fault("bad_gateway", operation=GET))
            await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=10)

        on(main)

    def test_what_was_terminated_is_replaced(self, on):
        """With a given token, the replacement is rented once only."""

        async def main(client, emulator):
            cluster_id = await rented(client, emulator)
            await client.clusters.terminate(cluster_id)
            settings = {"bidding": BIDDING, "timeout": 60, "strategy": "replace_next", "client_token": "again"}
            with pytest.raises(ClusterNotFound):
                await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=60)
            first = await client.spot.recover(cluster_id, SPEC, **settings)
            second = await client.spot.recover(cluster_id, SPEC, **settings)
            assert first.cluster.id == second.cluster.id
            assert not first.left_behind.volume_stays
            assert list(emulator.world.clusters) == [first.cluster.id]

        on(main)

    def test_a_cancelled_replacement_leaves_nothing(self, on):
        """The old cluster stays as it was."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, machine_taken=True)
            emulator.faults.add(Fault("hang", operation=RENT, commit=True))
            with anyio.move_on_after(20) as scope:
                await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=60, strategy="replace_same")
            assert scope.cancelled_caught
            await anyio.sleep(60)
            assert list(emulator.world.clusters) == [cluster_id]

        on(main)

    def test_a_server_without_spot_is_one_error(self, on):
        """For a resume too."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False)
            with pytest.raises(OperationUnsupported, match="offers no spot clusters"):
                await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=60)

        on(main, schema=schema_without("Mutation.clusterBidResume"))

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ({"cluster_id": " "}, "cluster_id"),
            ({"spec": "A40"}, "spec"),
            ({"timeout": -1}, "timeout"),
            ({"strategy": "move"}, "strategy"),
            ({"bidding": 0.3}, "bidding"),
            ({"client_token": "?"}, "client_token"),
            ({"on_attempt": 5}, "on_attempt"),
            ({"cloud_types": ["SECURE"], "spec": replace(SPEC, cloud_type="ALL")}, "cloud_types"),
        ],
    )
    def test_bad_input_is_named(self, on, arguments, field):
        """Invalid input is refused by name before anything is sent."""

        async def main(client, emulator):
            given = {"cluster_id": "x", "spec": SPEC, "bidding": BIDDING, "timeout": 1} | arguments
            with pytest.raises(InvalidArgument) as caught:
                await client.spot.recover(given.pop("cluster_id"), given.pop("spec"), **given)
            assert caught.value.field == field
            assert emulator.world.requests.total() == 0

        on(main)


class TestBounds:
    """What ends a recovery, and what it may cost."""

    def test_no_resume_is_repeated_after_the_deadline(self, on):
        """The deadline holds whatever the retry policy and Retry-After say, and the error has the ledger."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator)
            emulator.faults.add(Fault("rate_limited", operation=BID, times=None, retry_after=8))
            began = anyio.current_time()
            with pytest.raises(WaitTimedOut) as caught:
                await client.spot.recover(cluster_id, SPEC, bidding=BIDDING, timeout=20)
            assert anyio.current_time() - began <= 20
            assert emulator.world.requests[BID] == 3
            (attempt,) = caught.value.ledger
            assert "rate limited until the deadline" in attempt.answer

        on(main, retry=RetryPolicy(attempts=50, total_timeout=600))

    def test_under_a_limit_the_fixed_price_is_asked_for(self, on):
        """It follows from the GPU type; what is not on offer has none, and an unknown price fits no limit."""

        async def main(client, emulator):
            cluster_id = await stopped(client, emulator, spot=False)
            least, most = client.limited(max_hourly_spend=0.01), client.limited(max_hourly_spend=5)
            for scope, gpu_type_id, words in (
                (most, None, "not known"),
                (least, A40, "would exceed"),
            ):
                with pytest.raises(SpendLimitReached, match=words):
                    await scope.clusters.ensure_running(cluster_id, gpu_count=1, gpu_type_id=gpu_type_id, timeout=60)
            assert emulator.world.requests[RESUME] == 0
            emulator.world.leave_free(A40, 0)
            with pytest.raises(SpendLimitReached, match="not known"):
                await most.clusters.ensure_running(cluster_id, gpu_count=1, gpu_type_id=A40, timeout=60)
            emulator.world.leave_free(A40, 8)
            cluster = await most.clusters.ensure_running(cluster_id, gpu_count=1, gpu_type_id=A40, timeout=60)
            assert cluster.desired_status == "RUNNING"

        on(main)
