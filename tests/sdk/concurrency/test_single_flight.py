"""One request for all callers that want the same thing at the same time."""

import anyio
import pytest

from tensorone._concurrency.single_flight import SingleFlight


def test_who_shares_a_request_shares_its_failure(run_virtually):
    """Each caller gets the failure, and the next one sends a new request."""
    asked = []

    async def fetch() -> int:
        asked.append(anyio.current_time())
        await anyio.sleep(1)
        if len(asked) == 1:
            raise LookupError("down")
        return len(asked)

    async def main() -> None:
        shared = SingleFlight(fetch)
        failures = []

        async def look() -> None:
            with pytest.raises(LookupError, match="down") as caught:
                await shared.since(0.0)
            failures.append(caught.value)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(look)
        assert len(failures) == 3
        assert len(asked) == 1
        assert (await shared.since(0.0)).value == 2  # it is new enough for what failed before, and was asked for since
        assert (await shared.fresh()).value == 3

    run_virtually(main)
