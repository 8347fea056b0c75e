"""`Emulator.reset`: a new world, once with other settings; and the log of requests that it empties."""

from __future__ import annotations

import httpx
import pytest

from tensorone.emulator import Boot, Emulator, Fault

COIN = Fault("bad_gateway", times=None, probability=0.5)


def asked(emulator: Emulator, *, requests: int = 20) -> list[int]:
    """The statuses of a number of requests."""
    with httpx.Client() as client:
        url = f"{emulator.url}?api_key={emulator.api_key}"
        return [client.post(url, json={"query": "query Mine { myself { id } }"}).status_code for _ in range(requests)]


def test_settings_hold_until_the_next_reset() -> None:
    """Seed, speed, boot, balance and first clusters are the reset's, then the emulator's again; the key stays."""
    emulator = Emulator(speed=0)
    key, host = emulator.api_key, emulator.world.hosts[0]
    emulator.reset(seed=3, boot="3r", balance="5", first_clusters=False)
    assert (emulator.world.boot, emulator.world.balance, emulator.world.clusters) == (Boot(reads=3), 5, {})
    assert (emulator.world.now, emulator.world.hosts[0] == host, emulator.api_key) == (0, False, key)
    emulator.reset(speed=1e9, boot=Boot(seconds=7))
    assert emulator.world.now > 0
    assert emulator.world.boot == Boot(seconds=7)
    emulator.reset()
    assert (emulator.world.now, emulator.world.boot, emulator.world.hosts[0]) == (0, Boot(seconds=2), host)
    assert emulator.world.clusters


def test_a_seed_decides_the_faults_too() -> None:
    """Faults with a probability are drawn from the reset's seed; without one, from the emulator's own."""
    with Emulator() as emulator:
        drawn = []
        for seed in (1, 2, 1, None, 0):
            emulator.reset(seed=seed)
            emulator.faults.add(COIN)
            drawn.append(asked(emulator))
    assert drawn[0] == drawn[2] != drawn[1]
    assert drawn[3] == drawn[4] != drawn[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"speed": -1}, "speed"), ({"balance": "much"}, "balance must be US dollars"), ({"boot": 3}, "a boot is")],
)
def test_a_wrong_setting_resets_nothing(wrong: dict[str, object], message: str) -> None:
    """The world and the faults stay as they were."""
    emulator = Emulator()
    emulator.faults.add(COIN)
    world = emulator.world
    with pytest.raises(ValueError, match=message):
        emulator.reset(**wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert emulator.world is world
    assert emulator.faults.pending == (COIN,)


def test_the_log_of_requests() -> None:
    """A line per request, the latest hundred, without a value; a reset empties it."""
    with Emulator() as emulator:
        emulator.faults.add(Fault("bad_gateway"))
        asked(emulator, requests=101)
        assert len(emulator.access_log) == 100
        assert {line.rpartition(" 200 ")[0] for line in emulator.access_log} == {"Mine"}
        emulator.reset()
        assert emulator.access_log == ()
        emulator.faults.add(Fault("bad_gateway"))
        asked(emulator, requests=1)
        (line,) = emulator.access_log
        assert line.startswith("Mine 502 ")
        assert line.endswith(" ms fault=bad_gateway")
