"""Outcomes as they complete: order, back-pressure, leaving early, failures."""

import anyio
import anyio.lowlevel
import pytest

from tensorone import InvalidArgument, NotStarted, Outcome, TensorOne, stream_outcomes


async def slowly(seconds: float) -> float:
    """Takes the given number of seconds; with a negative one it fails at once."""
    if seconds < 0:
        raise ValueError(seconds)
    await anyio.sleep(seconds)
    return seconds


def test_outcomes_come_as_they_are_ready(run_virtually):
    """The fastest outcome comes first, and failures are among them."""

    async def main():
        async with stream_outcomes(slowly, [3, 1, -1, 2]) as outcomes:
            assert [outcome.item async for outcome in outcomes] == [-1, 1, 2, 3]
            assert outcomes.unread == []
            with pytest.raises(StopAsyncIteration):
                await anext(outcomes)

    run_virtually(main)


def test_a_slow_reader_slows_the_work(run):
    """At most the limit are under way or unread, however many items the source has."""
    begun = 0

    async def op(number: int) -> int:
        nonlocal begun
        begun += 1
        await anyio.lowlevel.checkpoint()
        return number

    async def endless():
        number = 0
        while True:
            yield number
            number += 1

    async def main():
        source = endless()
        read = 0
        async with stream_outcomes(op, source, limit=3) as outcomes:
            async for _ in outcomes:
                read += 1
                await anyio.wait_all_tasks_blocked()
                assert begun <= read + 3
                if read == 20:
                    break
        assert begun == 23
        assert len(outcomes.unread) == 3
        await source.aclose()

    run(main)


def test_what_was_done_and_not_read_is_not_lost(run_virtually):
    """Leaving early cancels what runs and keeps what had succeeded, even at the last moment."""
    cancelled: list[int] = []

    async def op(number: int) -> int:
        try:
            await anyio.sleep(number)
        except anyio.get_cancelled_exc_class():
            cancelled.append(number)
            if number != 7:
                raise
            with anyio.CancelScope(shield=True):
                await anyio.sleep(1)
        return number

    async def main():
        async with stream_outcomes(op, [1, 2, 3, 7, 100], limit=5) as outcomes:
            assert (await anext(outcomes)).item == 1
            await anyio.sleep(4)
        assert outcomes.unread == [Outcome(2, 2), Outcome(3, 3), Outcome(7, 7)]
        assert sorted(cancelled) == [7, 100]
        assert [outcome.item async for outcome in outcomes] == [2, 3, 7]

    run_virtually(main)


def test_an_error_in_the_block_comes_out_as_it_is(run):
    """The error is raised without an exception group, after all work has ended."""

    async def main():
        ended = anyio.Event()

        async def op(_: int) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        async def leave() -> None:
            async with stream_outcomes(op, [1]):
                await anyio.wait_all_tasks_blocked()
                raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await leave()
        assert ended.is_set()

    run(main)


def test_cancelling_the_reader_ends_the_work(run_virtually):
    """A deadline round the block also ends the work inside it."""

    async def main():
        with anyio.move_on_after(5) as scope:
            async with stream_outcomes(slowly, [1, 100]) as outcomes:
                async for outcome in outcomes:
                    assert outcome.item == 1
        assert scope.cancelled_caught
        assert anyio.current_time() == 5

    run_virtually(main)


def test_a_source_that_fails_lets_the_rest_be_read(run_virtually):
    """Started items finish and are handed over before the source's error is raised once."""

    async def broken():
        yield 2
        yield 1
        raise LookupError("no more")

    async def main():
        async with stream_outcomes(slowly, broken()) as outcomes:
            assert [(await anext(outcomes)).item, (await anext(outcomes)).item] == [1, 2]
            with pytest.raises(LookupError, match="no more"):
                await anext(outcomes)
            assert [outcome async for outcome in outcomes] == []

    run_virtually(main)


def test_after_too_many_failures_the_rest_is_reported_as_not_started(run):
    """Every item has its outcome."""

    async def main():
        async with stream_outcomes(slowly, [-1, 0, 0], limit=1, stop_after_failures=1) as outcomes:
            kinds = [type(outcome.error) async for outcome in outcomes]
        assert kinds == [ValueError, NotStarted, NotStarted]

    run(main)


@pytest.mark.parametrize("field", ["limit", "stop_after_failures"])
def test_a_bound_below_one_is_refused(run, field):
    """The error names the argument."""

    async def main():
        with pytest.raises(InvalidArgument) as caught:
            async with stream_outcomes(slowly, [1], **{field: 0}):
                raise AssertionError
        assert caught.value.field == field

    run(main)


async def test_clusters_are_stopped_as_they_come(client: TensorOne, emulator):
    """The SDK's own operations work with it, against the emulator."""
    async with stream_outcomes(client.clusters.stop, ["riixlu8oclhp", "nosuchcluster"]) as outcomes:
        by_id = {outcome.item: outcome.ok async for outcome in outcomes}
    assert by_id == {"riixlu8oclhp": True, "nosuchcluster": False}
