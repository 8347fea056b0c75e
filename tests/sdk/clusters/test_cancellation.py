"""A cancelled rental leaves no unknown machine, and a cancelled resume logs what happened."""

import asyncio
import logging
import math
import signal
import subprocess
import sys
import textwrap

import anyio
import anyio.lowlevel
import httpx
import pytest

from tensorone import ClusterSpec, OutcomeUnknown, RetryPolicy, TensorOne
from tensorone._concurrency import shield
from tensorone._graphql.request_queue import RequestQueue
from tensorone.emulator import Fault


@pytest.fixture(params=["httpx", "aiohttp"], autouse=True)
def over(request, monkeypatch):
    """Runs each test over both transports; on trio only httpx's own is used."""
    monkeypatch.setenv("TENSORONE_HTTP", "auto" if request.param == "aiohttp" else "httpx")


SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40")
CALLS = {
    "deploy": lambda client: client.clusters.deploy(SPEC),
    "rent": lambda client: client.spot.rent(SPEC, bid_per_gpu=0.39),
    "resume": lambda client: client.clusters.resume("inzk6tzuz833h5", gpu_count=1),
    "spot resume": lambda client: client.spot.resume("d62t7qg9n5vtan", bid_per_gpu=0.3, gpu_count=1),
}
FIRST = {"inzk6tzuz833h5", "d62t7qg9n5vtan", "riixlu8oclhp", "ldl1dxirsim64n"}


async def hang(scope, receive, send) -> None:
    """An application that receives the request and never answers."""
    await receive()
    await anyio.sleep_forever()


async def cancelled_after(steps: int, client: TensorOne, call) -> str | None:
    """Cancels a call after so many steps of the loop; returns the rented id if the call ended before that."""
    result = None
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:

            async def stop() -> None:
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()

            group.start_soon(stop)
            result = (await call(client)).id
    return result


@pytest.mark.parametrize("name", ["deploy", "rent"])
def test_a_cancelled_rental_is_returned_or_terminated(run, emulator, name):
    """A rental cancelled at any step is either returned or terminated."""

    async def main():
        known: set[str] = set()

        async def one(steps: int) -> None:
            async with TensorOne(emulator.api_key, url=emulator.url, settle_time=1) as client:
                known.add(await cancelled_after(steps, client, CALLS[name]))

        async with anyio.create_task_group() as group:
            for steps in range(60):
                group.start_soon(one, steps)
        return known - {None}

    known = run(main)
    assert set(emulator.world.clusters) - FIRST == known


async def test_a_task_that_is_cancelled_again_and_again_cleans_up_all_the_same(emulator):
    """Cancelling an asyncio task again in the middle of the clean-up does not leave the machine."""
    emulator.faults.add(Fault("hang", commit=True))
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=2) as client:
        task = asyncio.create_task(client.clusters.deploy(SPEC))
        for _ in range(5):
            await asyncio.sleep(0.1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert set(emulator.world.clusters) == FIRST


@pytest.mark.parametrize("name", CALLS)
def test_a_lost_answer_and_a_cancellation_together(run, emulator, caplog, name):
    """When the server acts and hangs and the caller cancels, a rental is terminated and a resume is logged."""
    caplog.set_level(logging.WARNING, "tensorone")
    emulator.faults.add(Fault("hang", commit=True))

    async def main():
        async with TensorOne(emulator.api_key, url=emulator.url, settle_time=2) as client:
            with anyio.move_on_after(0.3) as scope:
                await CALLS[name](client)
            assert scope.cancelled_caught

    run(main)
    assert set(emulator.world.clusters) == FIRST
    assert ("was terminated" if "resume" not in name else "running and billed") in caplog.text


@pytest.mark.parametrize("name", CALLS)
def test_a_cancelled_call_that_did_nothing_says_so(run, emulator, caplog, name):
    """The search after a cancellation is bounded by the settling time, and its result is logged."""
    caplog.set_level(logging.WARNING, "tensorone")
    emulator.faults.add(Fault("hang"))

    async def main():
        async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.2) as client:
            with anyio.move_on_after(0.2):
                await CALLS[name](client)

    run(main)
    assert ("no cluster has the token" if "resume" not in name else "has not started") in caplog.text


@pytest.mark.parametrize("name", CALLS)
def test_what_could_not_be_looked_for_is_not_said_to_be_absent(run, emulator, caplog, name):
    """Where no answer tells what a cancelled call did, the log says so, and names what may still run."""
    caplog.set_level(logging.WARNING, "tensorone")
    emulator.faults.add(Fault("hang", commit=True), Fault("bad_gateway", times=None))

    async def main():
        once = RetryPolicy(attempts=1)
        async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.2, retry=once) as client:
            with anyio.move_on_after(0.2) as scope:
                await CALLS[name](client)
            assert scope.cancelled_caught

    run(main)
    assert "could not be found out" in caplog.text
    assert "nothing was rented" not in caplog.text
    last = caplog.records[-1].getMessage()
    cluster_id = {"resume": "inzk6tzuz833h5", "spot resume": "d62t7qg9n5vtan"}.get(name, "clusters.find('")
    assert last.startswith("clean-up is over: may still run:")
    assert cluster_id in last


def test_a_lost_answer_that_nobody_could_look_for_says_so(run, emulator):
    """The error does not say that there is no cluster where no listing was answered."""
    deploy = "clusterFindAndDeployOnDemand"
    emulator.faults.add(Fault("close", operation=deploy, commit=True), Fault("bad_gateway", times=None))

    async def main():
        once = RetryPolicy(attempts=1)
        async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.2, retry=once) as client:
            with pytest.raises(OutcomeUnknown, match="could not be found out") as caught:
                await client.clusters.deploy(SPEC)
            assert caught.value.client_token in str(caught.value)

    run(main)


async def test_a_client_that_is_closed_under_a_rental_says_so(emulator, caplog):
    """A sibling of `gather` that goes on after the block is named at once, and again when it is cancelled."""
    caplog.set_level(logging.WARNING, "tensorone")
    emulator.faults.add(Fault("hang", operation="clusterFindAndDeployOnDemand", commit=True))
    async with TensorOne(emulator.api_key, url=emulator.url) as client:
        task = asyncio.create_task(client.clusters.deploy(SPEC, client_token="sibling"))
        while not emulator.faults.hits:
            await anyio.lowlevel.checkpoint()
    assert "closed before the answer to a rental with the client token sibling" in caplog.text
    with anyio.fail_after(5):  # not the settling time: a closed client sees nothing
        task.cancel()
        with pytest.raises((asyncio.CancelledError, OutcomeUnknown)) as caught:
            await task
    told = f"{caught.value} {caplog.records[-1].getMessage()}"
    assert "client.clusters.find('sibling')" in told
    assert "nothing was rented" not in caplog.text


async def test_a_client_that_is_closed_under_a_resume_says_so(emulator):
    """Nobody can read then whether the cluster started, and nobody waits to find out."""
    emulator.faults.add(Fault("hang", operation="clusterResume", commit=True))
    async with TensorOne(emulator.api_key, url=emulator.url, timeout=0.3) as client:
        task = asyncio.create_task(client.clusters.resume("inzk6tzuz833h5", gpu_count=1))
        while not emulator.faults.hits:
            await anyio.lowlevel.checkpoint()
    with anyio.fail_after(5), pytest.raises(OutcomeUnknown) as caught:
        await task
    assert "may run because of it" in caught.value.billing


def test_clean_up_goes_on_after_failures(run, emulator, caplog):
    """A terminate that fails is logged and repeated until the machine is gone."""
    caplog.set_level(logging.WARNING, "tensorone")
    emulator.faults.add(Fault("hang", commit=True), Fault("server_error", operation="clusterTerminate", commit=False))

    async def main():
        async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.3) as client:
            with anyio.move_on_after(0.2) as scope:
                await client.clusters.deploy(SPEC)
            assert scope.cancelled_caught

    run(main)
    assert "is not terminated yet, trying again: clusters.terminate" in caplog.text
    assert set(emulator.world.clusters) == FIRST


def test_what_is_gone_already_is_cleaned_up(run, emulator):
    """When the answer to the terminate is lost too, a second terminate finds that the cluster is gone."""
    emulator.faults.add(Fault("hang", commit=True), Fault("close", operation="clusterTerminate", commit=True))

    async def main():
        async with TensorOne(emulator.api_key, url=emulator.url, settle_time=1) as client:
            with anyio.move_on_after(0.2):
                await client.clusters.deploy(SPEC)

    run(main)
    assert set(emulator.world.clusters) == FIRST


def test_clean_up_is_bounded(run_virtually, caplog):
    """A server that stops answering cannot hold a cancelled call for ever."""
    caplog.set_level(logging.WARNING, "tensorone")

    async def main():
        hanging = httpx.ASGITransport(hang)
        async with TensorOne("key", url="http://localhost/graphql", transport=hanging, timeout=3600) as client:
            with anyio.move_on_after(1):
                await client.clusters.deploy(SPEC)
        assert anyio.current_time() == pytest.approx(1 + 20 + 15)

    run_virtually(main)
    assert "did not end in time" in caplog.text


def test_a_call_cancelled_in_the_queue_sends_nothing(run, emulator):
    """A call that is cancelled while it waits in the queue rents nothing."""

    async def main():
        async with TensorOne(emulator.api_key, url=emulator.url, max_connections=1) as client:
            emulator.faults.add(Fault("delay", seconds=0.3, operation="gpuTypes"))
            async with anyio.create_task_group() as group:
                group.start_soon(client.gpu_types.list)
                await anyio.sleep(0.1)
                with anyio.move_on_after(0.05):
                    await client.clusters.deploy(SPEC)

    run(main)
    assert emulator.world.requests == {"gpuTypes": 1}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_control_c_terminates_what_was_rented(emulator, backend):
    """Control-C in the middle of a deploy leaves nothing behind."""
    emulator.faults.add(Fault("hang", commit=True))
    script = f"""
        import anyio
        from tensorone import ClusterSpec, OutcomeUnknown, RetryPolicy, TensorOne

        async def main():
            async with TensorOne({emulator.api_key!r}, url={emulator.url!r}, settle_time=2) as client:
                await client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40"))

        anyio.run(main, backend={backend!r})
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while set(emulator.world.clusters) == FIRST:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.02)
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in words
    assert set(emulator.world.clusters) == FIRST


async def test_who_is_let_in_and_cancelled_at_the_same_moment_gives_its_turn_away():
    """A request that is cancelled just after it was admitted gives its place to the next one."""
    throttle = RequestQueue(1)
    await throttle.enter(mutation=False)
    second = asyncio.create_task(throttle.enter(mutation=False))
    third = asyncio.create_task(throttle.enter(mutation=False))
    await anyio.wait_all_tasks_blocked()
    throttle.leave()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await third
    assert throttle.state.in_flight == 1


async def test_work_may_finish_although_its_task_is_cancelled():
    """Shielded work may finish after its task was cancelled, even repeatedly, and sees that it must start nothing."""
    begun, release, ended = anyio.Event(), anyio.Event(), []

    async def work(scope: anyio.CancelScope) -> None:
        begun.set()
        await release.wait()
        ended.append(math.isfinite(scope.deadline))

    task = asyncio.create_task(shield.finished(work, within=5))
    await begun.wait()
    for _ in range(3):
        task.cancel()
        await anyio.wait_all_tasks_blocked()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_an_error_of_shielded_work_is_raised_unchanged():
    """An error of shielded work is raised unchanged, without an exception group around it."""

    async def work(_: anyio.CancelScope) -> None:
        raise LookupError("none")

    with pytest.raises(LookupError, match="none"):
        await shield.finished(work, within=5)
