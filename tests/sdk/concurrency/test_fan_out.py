"""Many operations at once: order, width, isolation, progress."""

import gc
import itertools
import weakref

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import ClusterSpec, InvalidArgument, NotStarted, TensorOneError, fan_out
from tensorone.emulator import Fault


@given(st.lists(st.integers(-5, 5), max_size=20), st.integers(1, 8))
def test_outcomes_come_in_input_order_and_failures_stay_alone(numbers, limit):
    """Each item has its outcome at its place, whatever happened to the others."""
    outcomes = anyio.run(lambda: fan_out(at_once, numbers, limit=limit))
    assert [outcome.item for outcome in outcomes] == numbers
    for outcome in outcomes:
        assert outcome.ok is (outcome.item >= 0)
        if outcome.ok:
            assert outcome.unwrap() == 2 * outcome.item
        else:
            with pytest.raises(ValueError, match=str(outcome.item)):
                outcome.unwrap()


class OneByOne:
    """The items as an async iterator that never waits."""

    def __init__(self, items):
        self._items = iter(items)

    def __aiter__(self):
        return self

    async def __anext__(self):
        return next(self._items)


async def at_once(number: int) -> int:
    """The same without a pause."""
    await anyio.lowlevel.checkpoint()
    if number < 0:
        raise ValueError(number)
    return 2 * number


def test_no_more_than_the_limit_run_at_once(run_virtually):
    """Up to the limit, and no more, run at once."""
    running, peak = 0, 0

    async def op(_: int) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await anyio.sleep(1)
        running -= 1

    async def main():
        await fan_out(op, range(20), limit=5)
        assert anyio.current_time() == pytest.approx(4.0)

    run_virtually(main)
    assert peak == 5


def test_items_are_read_as_they_are_needed(run_virtually):
    """An endless source of items is not read ahead of the workers."""
    read = 0

    async def endless():
        nonlocal read
        while True:
            read += 1
            yield read

    async def main():
        with anyio.move_on_after(10.5):
            source = endless()
            try:
                await fan_out(lambda _: anyio.sleep(1), source, limit=3)
            finally:
                await source.aclose()

    run_virtually(main)
    assert read == 33


def test_progress_has_the_total_where_it_is_known(run):
    """Progress has a total for an input with a length, and none for a generator."""
    seen: list[tuple[int, int | None]] = []

    async def main():
        await fan_out(at_once, [1, 2, 3], on_progress=lambda done, total: seen.append((done, total)))
        await fan_out(at_once, (n for n in (1, 2)), on_progress=lambda done, total: seen.append((done, total)))

    run(main)
    assert seen == [(1, 3), (2, 3), (3, 3), (1, None), (2, None)]


def test_a_failure_of_the_input_or_of_the_callback_lets_the_rest_finish(run_virtually):
    """Started items finish before the error is raised, and no new one starts."""
    finished: list[int] = []

    async def op(number: int) -> None:
        await anyio.sleep(number)
        finished.append(number)

    def broken():
        yield 3
        yield 2
        raise LookupError("no more")

    def shout(done: int, total: int | None) -> None:
        raise LookupError("deaf")

    async def main():
        with pytest.raises(LookupError, match="no more"):
            await fan_out(op, broken(), limit=2)
        assert sorted(finished) == [2, 3]
        finished.clear()
        with pytest.raises(LookupError, match="deaf"):
            await fan_out(op, [1, 2, 3, 4], limit=2, on_progress=shout)
        assert finished == [1, 2]

    run_virtually(main)


def test_an_input_that_breaks_off_at_once_still_has_its_first_items_done(run):
    """Items that were read before the input failed are done, and nothing is read after."""
    done: list[int] = []

    async def op(number: int) -> None:
        await anyio.lowlevel.checkpoint()
        done.append(number)

    class Broken:
        """Fails once."""

        read = 0

        def __iter__(self):
            return self

        def __next__(self) -> int:
            self.read += 1
            if self.read == 3:
                raise LookupError("no more")
            return self.read

    async def main():
        source = Broken()
        with pytest.raises(LookupError, match="no more"):
            await fan_out(op, source, limit=8)
        assert source.read == 3

    run(main)
    assert sorted(done) == [1, 2]


def test_workers_that_wake_together_stay_together(run):
    """Operations that end in one turn of the event loop are followed by others that begin in one, for plain inputs."""
    turns: list[int] = []
    gate = running = 0

    async def main():
        nonlocal gate, running
        gate = anyio.Event()

        async def op(_: int) -> None:
            nonlocal gate, running
            running += 1
            mine = gate
            if running == 8:
                gate, running = anyio.Event(), 0
                mine.set()
            else:
                await mine.wait()

        async def count_turns() -> None:
            while True:
                turns.append(1)
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            group.start_soon(count_turns)
            await fan_out(op, range(800), limit=8)
            group.cancel_scope.cancel()

    run(main)
    assert len(turns) < 400  # with a lock in between, eight turns for each eight items


@pytest.mark.parametrize("field", ["limit", "stop_after_failures"])
def test_a_bound_below_one_is_refused(run, field):
    """The error names the argument."""

    async def main():
        with pytest.raises(InvalidArgument) as caught:
            await fan_out(at_once, [], **{field: 0})
        assert caught.value.field == field

    run(main)


def test_after_too_many_failures_nothing_more_is_started(run_virtually):
    """Started items finish, the others are reported as not started, and every item has its outcome."""
    finished: list[int] = []

    async def op(number: int) -> int:
        await anyio.sleep(number)
        if number in {2, 3}:
            raise ValueError(number)
        finished.append(number)
        return number

    async def main():
        outcomes = await fan_out(op, iter([1, 2, 9, 3, 4, 5, 6]), limit=3, stop_after_failures=2)
        assert [outcome.item for outcome in outcomes] == [1, 2, 9, 3, 4, 5, 6]
        assert finished == [1, 4, 9]
        assert [type(outcome.error) for outcome in outcomes[5:]] == [NotStarted] * 2
        with pytest.raises(TensorOneError, match="not started") as caught:
            outcomes[-1].unwrap()
        assert caught.value.retryable
        assert caught.value.attempts == 0
        assert anyio.current_time() == 9

    run_virtually(main)


def test_as_many_failures_as_allowed_less_one_stop_nothing(run):
    """The failure that reaches the bound stops the run, and none before it."""
    outcomes = run(lambda: fan_out(at_once, [-1, 1, 2, 3], limit=1, stop_after_failures=2))
    assert [outcome.ok for outcome in outcomes] == [False, True, True, True]


def test_only_what_runs_has_a_task(run):
    """Neither many items nor a wide limit create tasks that only wait."""
    most = 0

    async def op(_: int) -> None:
        nonlocal most
        most = max(most, len(anyio.get_running_tasks()))
        await anyio.lowlevel.checkpoint()

    async def main():
        await fan_out(op, iter(range(2_000)), limit=10)
        assert most <= 14
        await fan_out(op, iter(range(3)), limit=2**31 - 1)
        assert most <= 14

    run(main)


def test_outcomes_are_freed_with_the_last_who_holds_them(run):
    """A call leaves no reference cycles for the garbage collector."""

    class Thing:
        """An object that can be weakly referenced."""

    async def make(_: int) -> Thing:
        return Thing()

    async def main():
        outcomes = await fan_out(make, range(3))
        gone = weakref.ref(outcomes[1].unwrap())
        del outcomes
        assert gone() is None

    gc.disable()
    try:
        run(main)
    finally:
        gc.enable()


def test_nothing_to_do_is_done(run):
    """Without items there are no outcomes."""
    assert run(lambda: fan_out(at_once, [])) == []


def test_a_cancelled_fan_out_of_rentals_leaves_no_machine(on):
    """Rentals under way are settled in bounded time before the cancellation propagates; earlier ones are kept."""

    async def main(client, emulator):
        emulator.faults.add(Fault("hang", operation="clusterFindAndDeployOnDemand", times=None, after=2, commit=True))
        before, had = {cluster.id for cluster in await client.clusters.list()}, []

        async def deploy(number):
            placed = await client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40"))
            had.append(placed.id)

        with anyio.move_on_after(10) as scope:
            await fan_out(deploy, range(100), limit=4)
        assert scope.cancelled_caught
        assert anyio.current_time() < 10 + 20 + 15
        assert len(had) == 2
        assert {cluster.id for cluster in await client.clusters.list()} - before == set(had)
        assert emulator.world.requests["clusterFindAndDeployOnDemand"] <= 6

    on(main)


@pytest.mark.parametrize("source", [iter, OneByOne])
def test_operations_that_never_wait_leave_others_their_turn(run, source):
    """Endless items of an operation that has its answer at once can be cancelled, as any others."""
    begun = 0

    async def main() -> None:
        async def op(_: int) -> None:
            nonlocal begun
            begun += 1
            if begun == 1000:
                scope.cancel()

        with anyio.fail_after(20), anyio.CancelScope() as scope:
            await fan_out(op, source(itertools.count()), limit=4)
        assert scope.cancelled_caught

    run(main)
    assert begun < 3000
