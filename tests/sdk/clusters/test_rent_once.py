"""Renting exactly once, whatever happens to the answer; faults happen on real sockets."""

import logging

import pytest

from tensorone import (
    ClusterSpec,
    ClusterStatus,
    InvalidArgument,
    NoCapacity,
    OutcomeUnknown,
    QueryError,
    RetryPolicy,
    TensorOne,
    fan_out,
)
from tensorone.emulator import Emulator, Fault


@pytest.fixture(params=["httpx", "aiohttp"], autouse=True)
def over(request, monkeypatch):
    """Runs each test over both transports; on trio only httpx's own is used."""
    monkeypatch.setenv("TENSORONE_HTTP", "auto" if request.param == "aiohttp" else "httpx")


SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40", env={"SECRET": "hidden-value"})
DEPLOY, RENT = "clusterFindAndDeployOnDemand", "clusterRentInterruptable"

LOST_AFTER_COMMIT = [
    Fault("close", commit=True),
    Fault("reset", commit=True),
    Fault("hang", commit=True),
    Fault("truncate"),
    Fault("bad_gateway", commit=True),
    Fault("server_error"),
    Fault("internal_error"),
    Fault("garbage"),
    Fault("commit_late", seconds=0.7),
    Fault("data_with_errors"),
]
LOST_BEFORE_COMMIT = [
    Fault("close"),
    Fault("reset"),
    Fault("hang"),
    Fault("bad_gateway"),
    Fault("server_error", commit=False),
    Fault("garbage", commit=False),
]


def kind(fault: Fault) -> str:
    """The name of a fault in test ids."""
    return fault.kind


@pytest.fixture
async def client(emulator: Emulator):
    """A client with short waits."""
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=1.5, timeout=1.0) as opened:
        yield opened


def rented(emulator: Emulator) -> set[str]:
    """The ids of the clusters rented since the start."""
    return set(emulator.world.clusters) - {"inzk6tzuz833h5", "d62t7qg9n5vtan", "riixlu8oclhp", "ldl1dxirsim64n"}


async def test_a_happy_rental_is_one_request(client, emulator):
    """A normal rental sends one request and lists nothing."""
    placed = await client.clusters.deploy(SPEC)
    assert rented(emulator) == {placed.id}
    assert emulator.world.requests == {DEPLOY: 1}


@pytest.mark.parametrize("fault", LOST_AFTER_COMMIT, ids=kind)
async def test_a_deploy_whose_answer_is_lost_is_found_and_adopted(client, emulator, fault):
    """The machine runs once, the caller gets it, and finding it costs a handful of listings."""
    emulator.faults.add(fault)
    placed = await client.clusters.deploy(SPEC)
    assert rented(emulator) == {placed.id}
    assert emulator.world.requests[DEPLOY] == 1
    assert emulator.world.requests["myself"] <= 5


@pytest.mark.parametrize("fault", [LOST_AFTER_COMMIT[0], LOST_AFTER_COMMIT[6]], ids=kind)
async def test_a_spot_rental_whose_answer_is_lost_is_found_too(client, emulator, fault):
    """A bid whose answer is lost is found in the same way."""
    emulator.faults.add(fault)
    placed = await client.spot.rent(SPEC, bid_per_gpu=0.39)
    assert rented(emulator) == {placed.id}
    assert emulator.world.clusters[placed.id].spot
    assert emulator.world.requests[RENT] == 1


@pytest.mark.parametrize("fault", LOST_BEFORE_COMMIT, ids=kind)
async def test_what_stays_unknown_is_said_so_with_the_token(client, emulator, fault):
    """Nothing is sent twice, and the error has the token, which finds the cluster if it appears later."""
    emulator.faults.add(fault)
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.3, timeout=0.3) as hasty:
        with pytest.raises(OutcomeUnknown) as caught:
            await hasty.clusters.deploy(SPEC)
    error = caught.value
    assert error.client_token in str(error)
    assert error.billing
    assert not error.retryable
    assert (error.operation, error.attempts) == ("DeployCluster", 1)
    assert error.__cause__ is not None
    assert rented(emulator) == set()
    assert emulator.world.requests[DEPLOY] == 1
    assert await client.clusters.find(error.client_token) is None


async def test_an_id_beside_errors_is_never_lost(emulator):
    """If the cluster that an answer names cannot be read, the error has its id and says that it is billed."""
    emulator.faults.add(
        Fault("data_with_errors", operation=DEPLOY),
        Fault("internal_error", operation="cluster", times=None),
        Fault("internal_error", operation="myself", times=None),
    )
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.2) as client:
        with pytest.raises(QueryError) as caught:
            await client.clusters.deploy(SPEC)
    assert {caught.value.data[DEPLOY]["id"]} == rented(emulator)
    assert "is billed" in caught.value.billing
    assert "hidden-value" not in repr(caught.value.data)


async def test_a_listing_that_lags_is_waited_for(client, emulator):
    """A cluster that the listing shows late is not treated as absent."""
    emulator.faults.add(Fault("listing_lag", seconds=0.8), Fault("close", commit=True))
    placed = await client.clusters.deploy(SPEC)
    assert rented(emulator) == {placed.id}


async def test_a_search_goes_on_after_failed_listings(client, emulator, caplog):
    """A search for a lost rental goes on after failed listings."""
    caplog.set_level(logging.WARNING, "tensorone")
    emulator.faults.add(Fault("close", commit=True, operation=DEPLOY), Fault("server_error", operation="myself"))
    placed = await client.clusters.deploy(SPEC)
    assert rented(emulator) == {placed.id}
    assert "whose answer was lost" in caplog.text


@pytest.mark.parametrize("fault", [Fault("refuse", seconds=0.2), Fault("rate_limited", retry_after="0.1")], ids=kind)
async def test_what_certainly_did_not_happen_is_sent_again(emulator, fault):
    """A request that was refused as a whole is sent again."""
    emulator.faults.add(fault)
    retry = RetryPolicy(attempts=50, wait_initial=0.1, wait_max=0.1)
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=1.5, retry=retry) as client:
        placed = await client.clusters.deploy(SPEC)
    assert rented(emulator) == {placed.id}


async def test_null_without_an_error_means_no_capacity(client, emulator):
    """Null is not success, and the next GPU type is tried only after a definite answer."""
    emulator.faults.add(Fault("null"))
    with pytest.raises(NoCapacity, match="no machine fits"):
        await client.clusters.deploy(SPEC)
    assert rented(emulator) == set()


async def test_a_spec_with_several_gpu_types_takes_the_first_with_capacity(client, emulator):
    """Each candidate is tried once, in order; a spot bid has a single candidate."""
    emulator.world.sell_out("NVIDIA A40")
    both = ClusterSpec(image_name="i", gpu_type_ids=["NVIDIA A40", "NVIDIA L40S"])
    placed = await client.clusters.deploy(both)
    assert emulator.world.host(placed.machine_id).gpu_type_id == "NVIDIA L40S"
    assert emulator.world.requests == {DEPLOY: 2}
    emulator.world.sell_out("NVIDIA L40S")
    with pytest.raises(NoCapacity, match="no longer any instances"):
        await client.clusters.deploy(both)
    with pytest.raises(InvalidArgument, match="gpu_type_ids"):
        await client.spot.rent(both, bid_per_gpu=0.5)
    with pytest.raises(InvalidArgument, match="gpu_count"):
        await client.spot.rent(ClusterSpec(image_name="i", gpu_count=0), bid_per_gpu=0.5)


@pytest.mark.parametrize("token", ["job-17", "scheduled__2026-11-27T00:00:00+00:00"])
async def test_a_given_token_makes_the_call_repeatable(client, emulator, token):
    """The same token gives the same cluster, also to another client, and never a terminated one."""
    placed = await client.clusters.deploy(SPEC, client_token=token)
    async with TensorOne(emulator.api_key, url=emulator.url) as other:
        assert (await other.clusters.deploy(SPEC, client_token=token)).id == placed.id
        assert (await other.spot.rent(SPEC, bid_per_gpu=0.39, client_token=token)).id == placed.id
        assert (await other.clusters.find(token)).id == placed.id
    await client.clusters.terminate(placed.id)
    assert await client.clusters.find(token) is None
    assert (await client.clusters.deploy(SPEC, client_token=token)).id != placed.id


async def test_duplicates_of_a_token_are_terminated(client, emulator):
    """If one token has two clusters, the running one with the smaller id stays."""
    first = await client.clusters.deploy(SPEC, client_token="duplicate-token")
    order = emulator.world.clusters[first.id].order
    second = emulator.world.deploy(order)
    kept = await client.clusters.deploy(SPEC, client_token="duplicate-token")
    assert kept.id == min(first.id, second.id)
    assert rented(emulator) == {kept.id}


async def test_find_can_wait_for_a_late_commit(client, emulator):
    """With a timeout, a missing cluster is believed only after it."""
    emulator.faults.add(Fault("commit_late", operation=DEPLOY, seconds=1.2))
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.1, timeout=0.3) as hasty:
        with pytest.raises(OutcomeUnknown):
            await hasty.clusters.deploy(SPEC, client_token="late")
    found = await client.clusters.find("late", timeout=5)
    assert rented(emulator) == {found.id}


async def test_a_failed_listing_does_not_mean_that_there_is_no_cluster(client, emulator):
    """A failed listing is repeated while time is left; after that its error is raised."""
    placed = await client.clusters.deploy(SPEC, client_token="there")
    emulator.faults.add(Fault("internal_error", operation="myself", times=2))
    assert (await client.clusters.find("there", timeout=3)).id == placed.id
    emulator.faults.add(Fault("internal_error", operation="myself", times=None))
    with pytest.raises(QueryError):
        await client.clusters.find("there", timeout=0.3)


@pytest.mark.parametrize("token", ["", "a b", "x" * 129, 7])
async def test_an_invalid_token_is_refused(client, emulator, token):
    """An invalid token is refused by name before anything is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await client.clusters.deploy(SPEC, client_token=token)
    assert caught.value.field == "client_token"
    assert emulator.world.requests.total() == 0


async def test_a_hundred_lost_answers_share_their_listings(emulator):
    """A hundred simultaneous searches share a few listings."""
    emulator.faults.add(Fault("internal_error", operation=DEPLOY, times=100))
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=5) as client:
        outcomes = await fan_out(client.clusters.deploy, [SPEC] * 100, limit=100)
    assert {outcome.unwrap().id for outcome in outcomes} == rented(emulator)
    assert len(rented(emulator)) == 100
    assert emulator.world.requests["myself"] <= 20


RESUMES = {
    "clusterResume": lambda client: client.clusters.resume("inzk6tzuz833h5", gpu_count=1),
    "clusterBidResume": lambda client: client.spot.resume("d62t7qg9n5vtan", bid_per_gpu=0.3, gpu_count=1),
}


@pytest.mark.parametrize("operation", RESUMES)
@pytest.mark.parametrize("fault", LOST_AFTER_COMMIT, ids=kind)
async def test_a_resume_whose_answer_is_lost_is_settled_by_the_clusters_state(client, emulator, operation, fault):
    """A resume is sent once, and the cluster's own status shows that it runs."""
    emulator.faults.add(fault)
    assert (await RESUMES[operation](client)).desired_status is ClusterStatus.RUNNING
    assert emulator.world.requests[operation] == 1


@pytest.mark.parametrize("operation", RESUMES)
async def test_a_resume_that_did_not_happen_stays_unknown(emulator, operation):
    """A cluster that does not start within the settling time is reported and not resumed again."""
    emulator.faults.add(Fault("close"))
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.3) as hasty:
        with pytest.raises(OutcomeUnknown):
            await RESUMES[operation](hasty)
    assert emulator.world.requests[operation] == 1


@pytest.mark.parametrize("operation", [*RESUMES, "clusterStop"])
async def test_null_from_resume_or_stop_is_an_error(client, emulator, operation):
    """Null is an error that says what may be billed."""
    calls = RESUMES | {"clusterStop": lambda client: client.clusters.stop("riixlu8oclhp")}
    emulator.faults.add(Fault("null"))
    with pytest.raises(QueryError, match="null") as caught:
        await calls[operation](client)
    assert caught.value.billing


async def test_resuming_the_wrong_kind_says_which_call_is_right(client):
    """The server's message is passed on when the kind is wrong."""
    with pytest.raises(QueryError, match="Cannot resume a spot pod as an on demand pod"):
        await client.clusters.resume("d62t7qg9n5vtan", gpu_count=1)


async def test_stop_and_terminate_are_repeated(client, emulator):
    """Stop and terminate are safe to repeat, so a lost answer costs a second request."""
    for operation, call in (
        ("clusterStop", client.clusters.stop),
        ("clusterTerminate", client.clusters.terminate),
    ):
        emulator.faults.add(Fault("close", commit=True, operation=operation), Fault("bad_gateway", operation=operation))
        await call("riixlu8oclhp")
        assert emulator.world.requests[operation] == 3
