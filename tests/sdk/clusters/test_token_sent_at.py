"""`token_sent_at`: a token that another process may just have sent is looked for before anything is rented with it."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from tensorone import AuthenticationError, BidPolicy, ClusterSpec, InvalidArgument, OutcomeUnknown, TensorOne
from tensorone.emulator import Fault

SPEC = ClusterSpec(image_name="sent", gpu_type_id="NVIDIA A40")
DEPLOY, RENT, LIST = "clusterFindAndDeployOnDemand", "clusterRentInterruptable", "myself"
BIDDING = BidPolicy(ceiling=0.39)


async def deploy(client, **given):
    """A cluster at its fixed price."""
    return await client.clusters.deploy(SPEC, **given)


async def rent(client, **given):
    """A cluster at one bid."""
    return await client.spot.rent(SPEC, bid_per_gpu=0.39, **given)


async def acquire(client, **given):
    """A cluster that a search wins."""
    return (await client.spot.acquire(SPEC, bidding=BIDDING, timeout=30, **given)).cluster


async def acquire_many(client, **given):
    """The same as one of several."""
    (one,) = await client.spot.acquire_many(SPEC, 1, bidding=BIDDING, timeout=30, mode="best_effort", **given)
    return one.unwrap().cluster


CALLS = {"deploy": (deploy, DEPLOY), "rent": (rent, RENT), "acquire": (acquire, RENT), "many": (acquire_many, RENT)}


def running(emulator):
    """Ids of what was rented here and runs."""
    return [each.id for each in emulator.world.clusters.values() if each.order.image_name == "sent" and each.running]


async def lost(emulator, call, operation):
    """What a process leaves that dies right after it sent: a rental that the server commits late."""
    emulator.faults.add(Fault("commit_late", operation=operation, seconds=1))
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.01, timeout=0.3) as dying:
        with pytest.raises(OutcomeUnknown):
            await call(dying, client_token="job")


@pytest.mark.parametrize("given", [True, False], ids=["sent-at", "one-look"])
@pytest.mark.parametrize("which", CALLS)
async def test_a_repeat_finds_what_is_committed_late(emulator, which, given):
    """With the moment one cluster runs; without it, one look is believed, and two run."""
    call, operation = CALLS[which]
    await lost(emulator, call, operation)
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=10) as client:
        moment = {"token_sent_at": datetime.now(UTC)} if given else {}
        found = await call(client, client_token="job", **moment)
        while len(running(emulator)) < 2 - given:
            await anyio.lowlevel.checkpoint()
        assert found.id in running(emulator)
        assert len(running(emulator)) == 2 - given


async def test_a_repeat_rents_once_nothing_can_appear_any_more(emulator):
    """Where the other process sent nothing, the call rents when the settling time since that moment is over."""
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=1) as client:
        sent_at = datetime.now(UTC) - timedelta(seconds=0.5)
        began = anyio.current_time()
        assert (await deploy(client, client_token="job", token_sent_at=sent_at)).id in running(emulator)
        assert anyio.current_time() >= began + 0.4
        assert emulator.world.requests[LIST] > 1
        before = emulator.world.requests[LIST]
        old = datetime.now(UTC) - timedelta(hours=1)
        await deploy(client, client_token="other", token_sent_at=old)
        assert emulator.world.requests[LIST] == before + 1


async def test_a_clock_that_goes_ahead_costs_no_more_than_the_settling_time(emulator):
    """A moment in the future counts as now."""
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.2) as client:
        with anyio.fail_after(30):
            await deploy(client, client_token="job", token_sent_at=datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize("which", CALLS)
async def test_calls_with_one_token_at_the_same_time_rent_once(emulator, which):
    """In one client the second call waits for the first, also where the listing lags and does not show its cluster."""
    call, operation = CALLS[which]
    emulator.faults.add(Fault("listing_lag", operation=operation, seconds=0.5))
    found = []

    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=10) as client:

        async def one():
            found.append((await call(client, client_token="job")).id)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one)
        assert running(emulator) == sorted(set(found))
        assert len(set(found)) == 1
        await client.clusters.terminate(found[0])
        assert (await call(client, client_token="job")).id != found[0]


async def test_a_wrong_key_is_told_at_once(emulator):
    """A listing that can never succeed is not repeated until the settling time is over."""
    async with TensorOne("wrong" * 4, url=emulator.url, settle_time=1000) as client:
        with anyio.fail_after(30), pytest.raises(AuthenticationError):
            await deploy(client, client_token="job", token_sent_at=datetime.now(UTC))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token_sent_at": datetime.now(UTC)}, "client_token"),
        ({"client_token": "job", "token_sent_at": datetime.now()}, "time zone"),  # noqa: DTZ005 - what is refused
        ({"client_token": "job", "token_sent_at": 1_700_000_000.0}, "float"),
    ],
    ids=["no-token", "no-zone", "a-number"],
)
@pytest.mark.parametrize("which", CALLS)
async def test_a_moment_that_says_nothing_is_refused(emulator, which, given, words):
    """Before anything is sent."""
    async with TensorOne(emulator.api_key, url=emulator.url) as client:
        with pytest.raises(InvalidArgument, match=words) as caught:
            await CALLS[which][0](client, **given)
    assert caught.value.field == "token_sent_at"
    assert not emulator.world.requests


@pytest.mark.parametrize("which", ["acquire", "many"])
async def test_a_search_that_could_only_look_is_refused(emulator, which):
    """Its deadline would come before the token is known to be free."""
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=60) as client:
        with pytest.raises(InvalidArgument, match="timeout=30") as caught:
            await CALLS[which][0](client, client_token="job", token_sent_at=datetime.now(UTC))
    assert caught.value.field == "token_sent_at"
    assert not emulator.world.requests
