"""`tensorone.run`: signals end a program in good order."""

import os
import signal
import subprocess
import sys
import threading

import anyio
import pytest

import tensorone
from tensorone import ConfigurationError, InvalidArgument
from tensorone._run import may_be_billed

A = """
import sys
import anyio
import tensorone
from tensorone import ClusterSpec, TensorOne, fan_out

SPEC = ClusterSpec(image_name="leased", gpu_type_id="NVIDIA A40")

async def lease(client):
    async with client.clusters.lease(SPEC, timeout=60, on_exit="terminate"):
        print("go", flush=True)
        await anyio.sleep(60)

async def many(client):
    def told(done, _):
        if done == 5:
            print("go", flush=True)
    await fan_out(client.clusters.deploy, [SPEC] * 2000, limit=8, on_progress=told)
    await anyio.sleep(60)

async def stubborn(client):
    await client.clusters.deploy(SPEC)
    print("go", flush=True)
    try:
        await anyio.sleep(60)
    finally:
        with anyio.CancelScope(shield=True):
            print("stubborn", flush=True)
            await anyio.sleep(60)

async def main():
    async with TensorOne(sys.argv[1], url=sys.argv[2], settle_time=1) as client:
        try:
            await globals()[sys.argv[4]](client)
        finally:
            for each in client.rented:
                print("rented", each.cluster_id, flush=True)

tensorone.run(main, backend=sys.argv[3], cleanup_timeout=float(sys.argv[5]))
"""


def started(emulator, backend, what, within=30):
    """A program that runs one of the functions above, once it says that it is about to wait."""
    arguments = [emulator.api_key, emulator.url, backend, what, str(within)]
    child = subprocess.Popen(
        [sys.executable, "-c", A, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "go\n"
    return child


def running(emulator):
    """The clusters that these programs left."""
    return {each.id for each in emulator.world.clusters.values() if each.order.image_name == "leased"}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_lease_is_ended(emulator, backend, number):
    """The cluster is terminated, and the exit status is 128 + the signal's number."""
    child = started(emulator, backend, "lease")
    child.send_signal(number)
    _, words = child.communicate(timeout=50)
    assert child.returncode == 128 + number
    assert running(emulator) == set()
    assert f"{number.name}: cancelling and cleaning up, for 30 s at most" in words


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fan_out_that_is_interrupted_loses_nothing(emulator, backend, number):
    """Each cluster that runs on is named by the client, and in the warning."""
    child = started(emulator, backend, "many")
    child.send_signal(number)
    told, words = child.communicate(timeout=50)
    assert child.returncode == 128 + number
    left = running(emulator)
    assert left
    assert left == {line.split()[1] for line in told.splitlines() if line.startswith("rented")}
    assert all(each in words for each in left)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("why", ["a second signal", "time"])
def test_it_leaves_at_once_with_a_word(emulator, backend, why):
    """At a second signal, or when clean-up takes too long; the word names what may be billed."""
    child = started(emulator, backend, "stubborn", within=30 if why == "a second signal" else 0.2)
    child.send_signal(signal.SIGTERM)
    assert child.stdout.readline() == "stubborn\n"
    if why == "a second signal":
        child.send_signal(signal.SIGINT)
    _, words = child.communicate(timeout=50)
    assert child.returncode == 128 + (signal.SIGINT if why == "a second signal" else signal.SIGTERM)
    assert "leaving before the clean-up ended" in words
    (left,) = running(emulator)
    assert left in words


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_runs_as_anyio_does(backend):
    """It returns what the function returns, raises what it raises, and puts handlers back."""

    async def double(number: int) -> int:
        await anyio.lowlevel.checkpoint()
        return 2 * number

    async def fail() -> None:
        raise LookupError("mine")

    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert tensorone.run(double, 21, backend=backend) == 42
    with pytest.raises(LookupError, match="mine"):
        tensorone.run(fail, backend=backend)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_error_while_ending_is_logged(caplog, backend):
    """The exit status stays that of the signal."""

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await anyio.sleep(30)
        finally:
            raise LookupError("while ending")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        tensorone.run(main, backend=backend)
    assert caught.value.code == 143
    assert "while ending" in caplog.text
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_of_ones_own(backend):
    """The scope is left without an error, and says which signal it was."""

    async def main() -> None:
        async with tensorone.ended_by_signals(cleanup_timeout=5) as ending:
            os.kill(os.getpid(), signal.SIGHUP)
            await anyio.sleep(30)
        assert ending.received == signal.SIGHUP
        async with tensorone.ended_by_signals() as ending:
            pass
        assert ending.received is None

    anyio.run(main, backend=backend)


def test_what_cannot_work_is_refused():
    """Signals reach the main thread alone, and a bound is a number of seconds."""
    with pytest.raises(InvalidArgument, match="cleanup_timeout"):
        tensorone.run(anyio.sleep, 0, cleanup_timeout=0)
    errors: list[Exception] = []

    def elsewhere() -> None:
        try:
            tensorone.run(anyio.sleep, 0)
        except ConfigurationError as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


def test_the_word_on_what_may_be_billed():
    """Nothing known is said so."""
    assert may_be_billed()


async def _nothing():
    pass


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"main": None}, "main"),
        ({"main": lambda: 3}, "main"),
        ({"main": _nothing, "backend": "uvloop"}, "backend"),
        ({"main": _nothing, "backend_options": 3}, "backend_options"),
    ],
)
def test_what_cannot_be_run(given, field):
    """It is refused by the name of the argument."""
    with pytest.raises(InvalidArgument) as caught:
        tensorone.run(**given)
    assert caught.value.field == field


def test_a_coroutine_in_the_place_of_the_function():
    """It is closed, and the message says what to do."""
    with pytest.raises(InvalidArgument, match=r"main: .* leave the parentheses out"):
        tensorone.run(_nothing())


def test_a_loop_that_runs_already(run):
    """As in a notebook: there, main is awaited."""

    async def main():
        with pytest.raises(ConfigurationError, match="await main"):
            tensorone.run(_nothing)

    run(main)


def test_a_backend_that_is_not_installed(monkeypatch):
    """The error says so before anything runs."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        tensorone.run(_nothing, backend_options={"use_uvloop": True})
