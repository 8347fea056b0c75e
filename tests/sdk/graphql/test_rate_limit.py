"""One queue per client: what the server bears is learned by all calls together."""

import anyio
import httpx
import pytest

from tensorone import RateLimited, RetryPolicy, TensorOne, fan_out
from tensorone.emulator import Emulator, Fault


@pytest.mark.parametrize("rate", [20, 50, 100])
def test_three_hundred_calls_against_a_rate_limit_all_succeed(run_virtually, rate):
    """At width 64 at most one request in twenty is refused, and the time is hardly more than the limit's own."""

    async def main():
        emulator = Emulator(clock=anyio.current_time)
        emulator.rate_limit(rate)
        transport = httpx.ASGITransport(emulator.app)
        settings = {"url": "http://localhost/graphql", "transport": transport, "max_connections": 64}
        async with TensorOne(emulator.api_key, **settings) as client:
            outcomes = await fan_out(lambda _: client.gpu_types.list(), range(300), limit=64)
            assert client.throttle.requests_per_second == pytest.approx(rate, rel=0.5)
        assert all(outcome.ok for outcome in outcomes)
        assert emulator.rate_limited <= 0.05 * (300 + emulator.rate_limited)
        assert anyio.current_time() <= 1.1 * 300 / rate

    run_virtually(main)


async def test_one_refusal_slows_all_calls_of_the_client(emulator: Emulator):
    """While the server has asked for a pause, nobody sends; then everyone goes on."""
    emulator.faults.add(Fault("rate_limited", retry_after="0.4"))
    async with TensorOne(emulator.api_key, url=emulator.url) as client:
        began = anyio.current_time()
        outcomes = await fan_out(lambda _: client.gpu_types.list(), range(20), limit=20)
        assert all(outcome.ok for outcome in outcomes)
        assert anyio.current_time() - began >= 0.4
        assert client.throttle.paused_for == 0
    assert emulator.world.requests["gpuTypes"] == 21


async def test_a_limit_that_never_ends_is_raised(emulator: Emulator):
    """Attempts are bounded here too, and the error says how long to wait."""
    emulator.faults.add(Fault("rate_limited", retry_after="0.01", times=None))
    retry = RetryPolicy(attempts=3)
    async with TensorOne(emulator.api_key, url=emulator.url, retry=retry) as client:
        with pytest.raises(RateLimited) as caught:
            await client.gpu_types.list()
    assert (caught.value.attempts, caught.value.retry_after) == (3, 0.01)
