"""What seldom happens: signals without a terminal, questions that cannot be priced, servers that tell nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import anyio
import pytest

from tensorone import ClusterBill, TensorOne, TensorOneError, _profiles
from tensorone.__main__ import main as script
from tensorone._cli import program
from tensorone._cli._commands import reaching, waiting
from tensorone._cli._output.failures import CommandFailed, Failure, failure_of
from tensorone._cli._output.progress import Progress
from tensorone._cli._output.terminal import TERMINAL, Terminal
from tensorone._cli.clusters import Known
from tensorone._cli.interrupts import run
from tensorone._cli.running import Reply
from tensorone._cli.worst_case import WorstCase, _account, account_line
from tensorone.emulator import Fault

RENT = "clusterFindAndDeployOnDemand"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_without_a_terminal(cli, emulator, number):
    """Status 128 and the signal; the object names what was rented before, and how to end it."""
    emulator.world.boot = type(emulator.world.boot).parse("never")
    before = set(emulator.world.clusters)
    ours = os.getpid()

    def send() -> None:
        _wait(lambda: set(emulator.world.clusters) > before)
        asked = len(emulator.world.log)
        _wait(lambda: len(emulator.world.log) > asked)
        os.kill(ours, number)

    thread = threading.Thread(target=send)
    thread.start()
    done = cli("deploy", "i", "--gpu", "a40", "--yes", "--json")
    thread.join()
    (rented,) = set(emulator.world.clusters) - before
    assert done.status == 128 + number
    assert done.json["error"]["ids"] == [rented]
    assert done.json["clusters"][0]["usd_per_hour"] == 0.4
    assert f"tensorone terminate {rented}" in done.err


def test_what_is_said_of_a_signal_comes_before_the_clean_up(monkeypatch):
    """The message is the first thing that a signal brings about: the command is cancelled after it."""
    order = []
    token = TERMINAL.set(shown := Terminal())
    monkeypatch.setattr(shown, "insist", lambda text: order.append(text.strip()))
    shown.under_way = lambda: "2 rentals under way"
    shown.client = SimpleNamespace(rented=[SimpleNamespace(cluster_id="abc", usd_per_hour=0.5)])

    async def command():
        try:
            signal.raise_signal(signal.SIGINT)
            await anyio.sleep_forever()
        finally:
            order.append("cancelled")

    try:
        assert run(command, {}) == 130
    finally:
        TERMINAL.reset(token)
    assert order[0].startswith("Ctrl-C: waiting for 2 rentals under way, up to 60 s")
    assert order[1] == "abc is rented, and billed at $0.50 an hour"
    assert order.index("end:   tensorone terminate abc") < order.index("cancelled")


def _wait(there):
    """Until the server shows it."""
    while not there():
        time.sleep(0.01)


def test_all_or_nothing_ends_what_was_rented_when_interrupted(cli, emulator):
    """Nothing of it runs on."""
    emulator.world.boot = type(emulator.world.boot).parse("never")
    before = set(emulator.world.clusters)

    def send() -> None:
        _wait(lambda: len(emulator.world.clusters) == len(before) + 2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    done = cli("deploy", "i", "--gpu", "a40", "--yes", "--all-or-nothing", "-n", "2")
    thread.join()
    assert done.status == 130
    assert set(emulator.world.clusters) == before


def test_the_script_runs_the_program(emulator, monkeypatch, capsys):
    """`tensorone` and `python -m tensorone` are one."""
    monkeypatch.setattr(sys, "argv", ["tensorone", "--version"])
    assert script() == 0
    printed = capsys.readouterr().out
    done = subprocess.run([sys.executable, "-m", "tensorone", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == printed


def test_another_missing_module_is_an_error(monkeypatch):
    """Only the extra's own libraries are explained."""
    monkeypatch.setitem(sys.modules, "tensorone._cli.program", None)
    with pytest.raises(ModuleNotFoundError):
        script()


async def _agree(_, lines, *, otherwise):
    """Whoever says yes to a question without an account in it."""
    assert not [line for line in lines if "account" in line]


def test_what_the_server_does_not_tell_is_left_out(cli, emulator, monkeypatch):
    """Neither the account nor a price is guessed in a question."""
    emulator.faults.add(Fault("graphql_error", operation="GetAccount", times=None))
    assert "4 clusters\n" in cli("ls").err
    monkeypatch.setattr("tensorone._cli._output.terminal.Terminal.confirm", _agree)
    assert cli("deploy", "i", "--gpu", "a40", "--no-wait").status == 0
    assert WorstCase(None, 1, "").text == "at a price that is not known"
    known = SimpleNamespace(client_balance=None, current_spend_per_hr=1.0)
    assert _account(known, None) is None
    idle = SimpleNamespace(client_balance=5.0, current_spend_per_hr=0.0)
    assert _account(idle, 0) == "spends $0.00 an hour now, $5.00 left"

    class Dumb:
        """A client whose server knows no account."""

        account = SimpleNamespace()

        @staticmethod
        async def get():
            raise TensorOneError("none")

    Dumb.account.get = Dumb.get
    assert anyio.run(account_line, Dumb, None) is None


def test_a_stopped_type_that_nobody_sells(cli, emulator):
    """A resume without a quoted price says that it is not known."""
    emulator.world.sell_out("NVIDIA RTX A6000")
    done = cli("resume", "inzk6tzuz833h5")
    assert "a price that is not known" in done.err
    odd = cli("resume", "inzk6tzuz833h5", "--timeout", "2s", "--yes")
    assert odd.status == 5


def test_login_asks_without_an_echo(cli, emulator, monkeypatch):
    """Where somebody is there."""
    monkeypatch.setattr("getpass.getpass", lambda _: emulator.api_key)
    monkeypatch.setattr("tensorone._cli._commands.profiles._attended", lambda: True)
    assert cli("login", "--name", "me", "--url", emulator.url).status == 0
    assert _profiles.load(_profiles.location()).get("me").api_key == emulator.api_key


def test_failures_keep_what_they_know():
    """A failure of a command keeps its ids; a refusal that leaves a cluster billed is not known to be none."""
    own = CommandFailed(Failure(code="not_found", message="no", ids=("a",)))
    assert failure_of(own, ids=["b"]).ids == ("a",)
    billed = TensorOneError("odd", operation="DeployCluster", billing="cluster a may run")
    assert failure_of(billed).code == "outcome_unknown"


def test_progress_counts_what_does_not_fit(capsys):
    """Twelve lines move; the rest is counted."""
    token = TERMINAL.set(Terminal())
    progress = Progress()
    for number in range(14):
        progress.at(str(number), "asking …", str(number))
    assert progress.__rich__().row_count == 13
    TERMINAL.reset(token)


def test_a_port_that_refuses_or_stays_silent_is_not_reached(monkeypatch):
    """Whatever the reason."""
    monkeypatch.setattr(reaching, "CONNECT_SECONDS", 0.0)
    port = {"private": 80, "public": 1, "ip": "127.0.0.1", "public_ip": True, "url": None}
    assert anyio.run(reaching._reached, port) is False


def test_a_fault_of_the_program_is_no_failure_of_the_service():
    """What is none of the library's errors goes on as it is, from commands that await and from those that do not."""

    async def awaits() -> None:
        raise ZeroDivisionError

    token = TERMINAL.set(Terminal())
    with pytest.raises(ZeroDivisionError):
        run(awaits, {})
    TERMINAL.reset(token)
    with pytest.raises(ZeroDivisionError):
        program._run(lambda: 1 / 0, "profile")


async def test_a_bill_of_an_unknown_gpu_type_prices_nothing(emulator):
    """A short name that fits no type of the catalogue is a type that nobody tells."""
    async with TensorOne(emulator.api_key, url=emulator.url) as client:
        cluster = (await client.clusters.list())[0]
        odd = Known(cluster, ClusterBill(cluster_id=cluster.id, gpu_type="Z9"))
        assert await waiting._types(client, [odd], None) == {cluster.id: None}


def test_a_service_that_is_slow_is_told_of():
    """Whoever watches a command that has said nothing for a second reads what it waits for."""
    said, told = anyio.Event(), []

    class Watched(Terminal):
        attended = True

        def insist(self, text: str) -> None:
            told.append(text)
            said.set()

    async def slow() -> Reply:
        await said.wait()
        return Reply({})

    token = TERMINAL.set(Watched())
    assert run(slow, {}) == 0
    TERMINAL.reset(token)
    assert told == ["waiting for the service …"]
