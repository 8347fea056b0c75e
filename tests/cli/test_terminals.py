"""What a person sees: questions, lines that move, and Ctrl-C, in terminals of two sizes."""

from __future__ import annotations

import re
import shutil

import pytest
from schema_checks import KEY
from screens import Screen

from tensorone.emulator import Fault

SMALL, LARGE = (80, 24), (200, 50)
RENT = "clusterFindAndDeployOnDemand"

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")


@pytest.fixture
def open_screen(emulator, tmp_path):
    """Opens a terminal whose environment points to the emulator."""

    def make(size: tuple[int, int]) -> Screen:
        places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(tmp_path))
        return Screen(*size, {"TENSORONE_API_KEY": KEY, "TENSORONE_API_URL": emulator.url, **places})

    return make


def test_a_deployment_asks_shows_and_can_be_stopped(emulator, open_screen):
    """The worst case first; no means nothing was sent; yes shows each cluster until it is up."""
    emulator.world.set_price("NVIDIA RTX A6000", "SECURE", "0.40")
    with open_screen(SMALL) as screen:
        screen.type("clear; tensorone deploy tensorone/pytorch --gpu a6000 --volume 40 -n 2; echo status $?")
        asked = screen.until("Go on? [y/N]")
        assert "Rent 2 on-demand clusters of tensorone/pytorch, 1 × NVIDIA RTX A6000 each:" in asked
        assert "at most 2 × $0.40 = $0.80 an hour until stopped (any part of the" in asked
        assert "volumes  2 × 40 GB, billed until terminated, also while stopped" in asked
        assert "$1000.00 left: about" in asked
        screen.type("")
        assert "declined; nothing was sent" in screen.until("status 3")
        assert RENT not in emulator.world.requests
        screen.type("clear; tensorone deploy tensorone/pytorch --gpu a6000 -n 2; echo deploy $?")
        screen.until(lambda text: "Go on? [y/N]" in text and "status 3" not in text)
        screen.type("y")
        shown = screen.until("deploy 0")
        assert len(re.findall(r"\w{14}  A6000  \$0\.40/h  up after \d+ s", shown)) == 2
        assert "billed at $0.80 an hour" in shown
        ids = re.findall(r"^(\w{14})$", shown, re.MULTILINE)
        assert set(ids) <= set(emulator.world.clusters)
        screen.type(f"clear; tensorone stop {' '.join(ids)}; echo stop $?")
        assert screen.until("stop 0").count("stopped") == 2


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_watch_moves(emulator, open_screen, size):
    """A table that fits, what changed below it, and Ctrl-C that ends it."""
    with open_screen(size) as screen:
        screen.type("clear; tensorone watch --every 0.2s; echo status $?")
        shown = screen.until("4 clusters; $0.94 an hour")
        assert max(len(line) for line in shown.splitlines()) <= size[0]
        assert "ID              NAME" in shown
        emulator.world.stop("riixlu8oclhp")
        screen.until("running → exited: stopped by a person")
        assert "4 clusters; $0.44 an hour" in screen.until("$0.44 an hour")
        screen.type("C-c", enter=False)
        assert "rented" not in screen.until("status 130")


def test_keep_shows_the_fleet(emulator, open_screen):
    """It asks, shows what is kept, and its events; Ctrl-C leaves what runs."""
    emulator.world.set_minimum_bid("NVIDIA RTX A6000", "0.15")
    with open_screen(SMALL) as screen:
        screen.type("clear; tensorone keep d62t7qg9n5vtan --ceiling 0.4 --budget 20 --every 0.3s; echo status $?")
        assert "bids up to $0.40 an hour, until $20.00 are spent" in screen.until("Go on? [y/N]")
        screen.type("y")
        shown = screen.until(lambda text: text.count("runs again at $0.1") == 2)
        assert "ceiling $0.40 per GPU and hour" in shown
        screen.type("C-c", enter=False)
        screen.until("status 130")
    assert emulator.world.clusters["d62t7qg9n5vtan"].running


def test_ctrl_c_amid_twenty_rentals(emulator, open_screen):
    """It says at once what it waits for, what runs on, its price, and the line that ends it; nothing else stays."""
    before = set(emulator.world.clusters)
    emulator.faults.add(Fault("delay", operation=RENT, seconds=1.5, after=8, times=None))
    emulator.world.boot = type(emulator.world.boot).parse("never")
    with open_screen(LARGE) as screen:
        screen.type("clear; tensorone deploy tensorone/pytorch --gpu a6000 --gpu a40 -n 20 --yes; echo status $?")
        screen.until(lambda text: text.count("starting …") >= 8)
        screen.type("C-c", enter=False)
        said = screen.until("Ctrl-C: waiting for")
        assert "status" not in said
        shown = screen.until("status 130")
    assert "a second Ctrl-C leaves at once" in shown
    named = set(re.findall(r"end:   tensorone terminate (.*)", shown)[-1].split())
    assert named == set(emulator.world.clusters) - before
    assert re.search(r"are rented, and billed at \$\d\.\d\d an hour", " ".join(shown.split()))


def test_a_second_ctrl_c_leaves_at_once(emulator, open_screen):
    """Without waiting for the clean-up, and with what may still be billed."""
    emulator.faults.add(Fault("hang", operation=RENT))
    with open_screen(SMALL) as screen:
        screen.type("clear; tensorone deploy i --gpu a40 --yes --token mine; echo status $?")
        screen.until("asking …")
        screen.type("C-c", enter=False)
        screen.until("Ctrl-C: waiting for 1 rental under way")
        screen.type("C-c", enter=False)
        shown = screen.until("status 130")
    assert "left before the clean-up ended" in shown
    assert "mine" in shown.partition("left before")[2]


def test_colour_is_for_terminals(open_screen):
    """NO_COLOR takes it away; a pipe in the terminal has none, and is not cut."""
    with open_screen((60, 24)) as screen:
        screen.type("clear; tensorone ls | cat; echo status $?")
        assert "8888/http, 22/tcp" in screen.until("status 0").replace("\n", "")
        screen.type("clear; tensorone ls; echo cut $?")
        assert "…" in screen.until("cut 0")
