"""asyncio's cancellation also comes out of whatever awaits a task that something else cancelled."""

import asyncio

import anyio
import pytest

from tensorone import NotStarted, fan_out, stream_outcomes


async def lost() -> None:
    """Awaits such a task."""
    task = asyncio.ensure_future(asyncio.sleep(60))
    asyncio.get_running_loop().call_soon(task.cancel)
    await task


@pytest.mark.parametrize("limit", [1, 2, 8])
async def test_one_of_an_operation_is_its_outcome(limit):
    """No item after it is lost, and it counts as a failure."""

    async def op(number: int) -> int:
        if number == 3:
            await lost()
        return number

    outcomes = await fan_out(op, range(8), limit=limit)
    assert [outcome.item for outcome in outcomes] == [*range(8)]
    assert [outcome.item for outcome in outcomes if not outcome.ok] == [3]
    assert isinstance(outcomes[3].error.__cause__, asyncio.CancelledError)
    stopped = await fan_out(op, range(8), limit=1, stop_after_failures=1)
    assert [type(outcome.error) for outcome in stopped[3:]] == [RuntimeError, *[NotStarted] * 4]
    async with stream_outcomes(op, range(8), limit=limit) as stream:
        assert len([outcome async for outcome in stream]) == 8


async def test_one_of_the_items_is_raised():
    """As any other error of theirs."""

    async def items():
        yield 1
        await lost()

    async def op(number: int) -> int:
        return number

    with pytest.raises(RuntimeError, match="was cancelled by something else"):
        await fan_out(op, items())


async def test_one_of_all_tasks_is_the_end():
    """As at the end of a program: what was begun is cancelled, and nothing else is begun."""
    begun: list[int] = []

    async def op(number: int) -> None:
        begun.append(number)
        await anyio.sleep_forever()

    task = asyncio.ensure_future(fan_out(op, range(50), limit=4))
    await anyio.wait_all_tasks_blocked()
    for each in asyncio.all_tasks() - {asyncio.current_task()}:
        each.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert begun == [0, 1, 2, 3]
