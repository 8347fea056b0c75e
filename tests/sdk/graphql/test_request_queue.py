"""The queue of one client: order, fairness, cancellation, and the pause after a refusal."""

import anyio
import pytest

from tensorone._graphql.request_queue import RequestQueue


async def use(queue: RequestQueue, log: list[object], name: object, *, mutation: bool = False) -> None:
    """One request: waits its turn, notes that it starts, takes a second, leaves."""
    await queue.enter(mutation=mutation)
    log.append(name)
    try:
        await anyio.sleep(1)
    finally:
        queue.leave()


def test_requests_start_in_the_order_they_came(run_virtually):
    """Five requests through a queue of width one start first come, first served."""

    async def main():
        queue, log = RequestQueue(1), []
        async with anyio.create_task_group() as group:
            for name in range(5):
                group.start_soon(use, queue, log, name)
                await anyio.wait_all_tasks_blocked()
        assert log == list(range(5))
        assert anyio.current_time() == pytest.approx(5.0)

    run_virtually(main)


def test_mutations_take_turns_with_a_flood_of_reads(run_virtually):
    """A stop that arrives behind a hundred reads starts among the first, not last."""

    async def main():
        queue, log = RequestQueue(1), []
        async with anyio.create_task_group() as group:
            for name in range(100):
                group.start_soon(use, queue, log, name)
            await anyio.wait_all_tasks_blocked()
            for name in ("stop", "terminate"):
                group.start_soon(lambda name=name: use(queue, log, name, mutation=True))
        assert max(log.index("stop"), log.index("terminate")) <= 3

    run_virtually(main)


def test_width_bounds_what_is_under_way_and_the_state_shows_who_waits(run_virtually):
    """No more requests than the width are under way, and the state says how many wait."""

    async def main():
        queue, log = RequestQueue(3), []
        async with anyio.create_task_group() as group:
            for name in range(5):
                group.start_soon(use, queue, log, name)
            group.start_soon(lambda: use(queue, log, "m", mutation=True))
            await anyio.wait_all_tasks_blocked()
            state = queue.state
            assert (state.in_flight, state.width) == (3, 3)
            assert state.waiting_reads + state.waiting_mutations == 3
            assert state.requests_per_second is None
            assert state.paused_for == 0
        assert queue.state.in_flight == 0

    run_virtually(main)


def test_a_cancelled_waiter_leaves_the_queue_and_wakes_the_next(run_virtually):
    """Cancelling the one at the head lets the one behind it go."""

    async def main():
        queue, log = RequestQueue(1), []
        async with anyio.create_task_group() as group:
            group.start_soon(use, queue, log, "first")
            await anyio.wait_all_tasks_blocked()
            with anyio.CancelScope() as impatient:
                group.start_soon(use, queue, log, "third")

                async def give_up() -> None:
                    await anyio.sleep(0.5)
                    impatient.cancel()

                group.start_soon(give_up)
                await use(queue, log, "second")
        assert log == ["first", "third"]
        assert queue.state.in_flight == 0

    run_virtually(main)


def test_many_that_end_together_let_in_as_many_at_once(run_virtually):
    """Also where a wider queue lets in more than one for each that ends."""

    async def main():
        queue, log = RequestQueue(8), []
        queue.limiter.width = 4.0
        async with anyio.create_task_group() as group:
            for name in range(12):
                group.start_soon(use, queue, log, name)
            await anyio.sleep(0.5)
            assert len(log) == 4
            queue.limiter.width = 8.0
            await anyio.sleep(1)
            assert len(log) == 12

    run_virtually(main)


def test_a_refusal_pauses_everyone_and_the_refused_one_goes_first(run_virtually):
    """After 429 with Retry-After nothing starts for so long; then the refused request is the first."""

    async def main():
        queue, log = RequestQueue(4), []
        started = await queue.enter(mutation=False)
        queue.limiter.refused(anyio.current_time(), started=started, retry_after=7.0)
        queue.leave()
        assert queue.state.paused_for == pytest.approx(7.0)
        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            group.start_soon(use, queue, log, "other")
            await anyio.wait_all_tasks_blocked()
            await queue.enter(mutation=False, again=True)
            assert anyio.current_time() - began >= 7.0
            assert log == []
            queue.leave()
        assert log == ["other"]
        assert queue.state.requests_per_second is not None

    run_virtually(main)
