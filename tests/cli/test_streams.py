"""`watch` and `keep` when piped: a line per change, or an object."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from decimal import Decimal
from typing import Self

import pytest
from schema_checks import validate

from tensorone import (
    BidMade,
    BudgetReached,
    ClusterSpec,
    GaveUp,
    Moved,
    PortsChanged,
    Preempted,
    Recovered,
    RuntimeDown,
    RuntimeUp,
    StatusUnknown,
    TensorOneError,
)
from tensorone._cli._commands.keeping import _fixed, _Kept
from tensorone._cli._commands.keeping import described as of_fleet
from tensorone._cli._commands.watching import described
from tensorone._cli._output.terminal import TERMINAL, Terminal
from tensorone._cli.spending import Money
from tensorone._fleet.member import Member
from tensorone._fleet.state import FleetState
from tensorone.fleet import FileStore


def _end(emulator, cluster_id):
    """Stops a cluster once it was seen, and terminates it once that was."""
    for change in (emulator.world.stop, emulator.world.terminate):
        asked = emulator.world.requests["myself"]
        while emulator.world.requests["myself"] < asked + 4:
            time.sleep(0.01)
        change(cluster_id)


def _terminate(emulator, cluster_id):
    """Terminates a cluster once it was seen."""
    while not emulator.world.requests["myself"]:
        time.sleep(0.01)
    emulator.world.terminate(cluster_id)


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_watch_ends_when_what_was_named_is_gone(cli, emulator, how):
    """A line per change; each object fits the schema."""
    thread = threading.Thread(target=_end, args=(emulator, "riixlu8oclhp"))
    thread.start()
    done = cli("watch", "riixlu8oclhp", "--every", "0.1s", *how)
    thread.join()
    assert done.status == 0
    lines = done.out.splitlines()
    assert len(lines) >= 4
    if how:
        changes = [json.loads(line) for line in lines]
        assert [changes[0]["change"], changes[-1]["change"]] == ["appeared", "gone"]
        assert {"status", "down", "ports"} <= {each["change"] for each in changes}
    else:
        assert lines[0].endswith("riixlu8oclhp  is up")
        assert any("running → exited: stopped by a person" in line for line in lines)


def test_a_fleet_that_ends_by_itself(cli, emulator, tmp_path):
    """A cluster that is given up ends the fleet; its events are lines, its state a file that one run has at a time."""
    cluster = cli("spot", "i", "--gpu", "a40", "--ceiling", "0.9", "--yes", "-q").out.strip()
    file = tmp_path / "state"
    emulator.world.later(0.5, lambda: emulator.world.terminate(cluster))
    done = cli("keep", cluster, "--ceiling", "0.9", "--yes", "--every", "0.1s", "--state", str(file), "--json")
    assert done.status == 0
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [each["event"] for each in events] == ["preempted", "gave_up"]
    assert 0 < events[-1]["spent_usd"] < 0.01
    assert 0 < events[-1]["fixed_price_usd"] < 0.01
    again = cli("keep", "d62t7qg9n5vtan", "--ceiling", "0.9", "--state", str(tmp_path), "--yes")
    assert again.status == 2
    assert f"{tmp_path} cannot be read" in again.err
    with closing(FileStore(file)) as held:
        held.open()
        other = cli("keep", "d62t7qg9n5vtan", "--ceiling", "0.9", "--state", str(file), "--yes")
    assert (other.status, "in use by another" in other.err) == (2, True)


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (Preempted("a", 0.0, while_booting=False, gone=True), "preempted", "is gone"),
        (BidMade("a", 0.0, 1, "won"), "bid", "bid $1.00 per GPU: won"),
        (Recovered("a", 0.0, None), "recovered", "runs again at $? per GPU"),
        (Moved("b", "a", 0.0, 1), "moved", "in place of b"),
        (GaveUp("a", 0.0, "why"), "gave_up", "why"),
        (StatusUnknown("a", 0.0, "ODD"), "status_unknown", "ODD"),
        (BudgetReached(0.0, "budget", 1, 1), "budget_reached", "budget reached"),
    ],
)
def test_events_of_a_fleet(event, kind, words):
    """Each has a word, a cluster unless it is about all of them, and a sentence."""
    found = of_fleet(event)
    assert (found[0], words in found[2]) == (kind, True)
    said = {"version": 1, "at": "now", "event": found[0], "id": found[1], "message": found[2]}
    validate("keep", said | Money({}).document())
    with pytest.raises(AssertionError):
        of_fleet(None)


def test_a_fleet_without_json(capsys):
    """A line for each event; one that is about all of them says so."""
    token = TERMINAL.set(Terminal())
    _Kept(["a"], Decimal(1), Money({})).saw(BudgetReached(0.0, "budget", Decimal(1), Decimal(1)))
    TERMINAL.reset(token)
    assert "  fleet  no more bids: budget reached, $1.00 spent; $0.00 spent" in capsys.readouterr().out


def test_wait_for_gone(cli, emulator):
    """A cluster that is gone is what was waited for."""
    thread = threading.Thread(target=_terminate, args=(emulator, "ldl1dxirsim64n"))
    thread.start()
    done = cli("wait", "ldl1dxirsim64n", "--for", "gone", "--json")
    thread.join()
    assert (done.status, done.json["clusters"][0]["status"]) == (0, "terminated")


def test_changes_of_a_cluster():
    """Likewise."""
    assert described(RuntimeUp("a", None, restarted=True), None) == ("up", "is up, restarted")
    assert described(RuntimeDown("a", None), None) == ("down", "its container is down")
    assert described(PortsChanged("a", None, (), ()), None) == ("ports", "ports ")
    with pytest.raises(AssertionError):
        described(None, None)


async def test_a_fleet_whose_prices_cannot_be_read():
    """Is kept all the same; nothing is compared then."""

    class Refusing:
        """A client whose server tells no price."""

        spot: Self

        async def quotes(self, _):
            """None."""
            raise TensorOneError("no")

    client = Refusing()
    client.spot = client
    assert await _fixed(client, {"a": ClusterSpec(image_name="i", gpu_type_id="A40")}) == {}


def _member(name, gpu, *, billed=True):
    return Member(cluster_id=name, origin=name, gpu_type_id=gpu, gpu_count=2, billed=billed)


def _saved(at, spent, *members):
    return FleetState(members=members, at=at, spent=Decimal(spent)).to_json()


def test_money_of_a_fleet():
    """The sum is the state's; beside it stands the fixed price of what ran, as long as all of it is known."""
    money, half_an_hour = Money({"A40": Decimal("0.40")}), 1800.0
    runs, rests = _member("a", "A40"), _member("b", "H100", billed=False)
    money.saw(_saved(0.0, "5", runs, rests))
    assert (money.text, money.saved_percent) == ("$5.00 spent", None)
    money.saw(_saved(half_an_hour, "5.10", runs, rests))
    assert money.text == "$5.10 spent; since the start $0.40 at the fixed price, 75% saved"
    money.saw(_saved(2 * half_an_hour, "6", runs, _member("b", "H100")))
    assert money.text == "$6.00 spent; since the start $0.80 at the fixed price, 25% more"
    money.saw(_saved(3 * half_an_hour, "7", runs))
    assert money.document() == {"spent_usd": 7.0, "fixed_price_usd": None}
    money.saw(_saved(4 * half_an_hour, "8", runs))
    assert money.text == "$8.00 spent"
