"""Where a fleet's state is kept: by one run at a time, and whole whenever the process ends."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tensorone import BidPolicy, ClusterSpec, ConfigurationError, FileStore, InvalidArgument, Moved
from tensorone.fleet import FleetState

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20, env={"PASSWORD": "planted-secret"})
SETTINGS = {"bidding": BidPolicy(ceiling=0.4), "strategy": "replace_same"}
RENT = "clusterRentInterruptable"

HOLDER = """
import sys
from tensorone.fleet import FileStore
store = FileStore(sys.argv[1])
store.open()
store.save("theirs")
print("open", flush=True)
sys.stdin.read()
"""


def test_a_store_has_one_writer(tmp_path):
    """A second one is refused in words that name the first; when that ends, however it ends, the store is free."""
    path = tmp_path / "fleet.json"
    store = FileStore(path)
    with pytest.raises(ConfigurationError, match="is not open"):
        store.save("too early")
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=-1, stdout=-1) as holder:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(ConfigurationError, match=rf"is in use by another keep_running \(process {holder.pid}\)"):
            store.open()
        holder.kill()
    assert store.open() == "theirs"
    with pytest.raises(ConfigurationError, match=f"process {os.getpid()}"):
        FileStore(path).open()
    store.save("mine")
    store.close()
    store.close()
    assert store.open() == "mine"
    store.close()
    with pytest.raises(ConfigurationError, match=r"gone.fleet\.json cannot be opened: No such file"):
        FileStore(tmp_path / "gone" / "fleet.json").open()


def test_a_link_is_the_file_that_it_leads_to(tmp_path):
    """It stays a link, and whoever opens the file by its own name is refused."""
    (tmp_path / "disk").mkdir()
    link, path = tmp_path / "fleet.json", tmp_path / "disk" / "fleet.json"
    link.symlink_to(path)
    store = FileStore(link)
    assert store.open() is None
    store.save("{}")
    assert link.is_symlink()
    assert path.read_text() == "{}"
    with pytest.raises(ConfigurationError, match="in use by another"):
        FileStore(path).open()
    store.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_that_was_removed_is_no_lock(tmp_path, replaced):
    """Another run may have the file by then: nothing more is written."""
    path, lock = tmp_path / "fleet.json", tmp_path / "fleet.json.lock"
    store, other = FileStore(path), FileStore(path)
    store.open()
    store.save("mine")
    lock.unlink()
    if replaced:
        assert other.open() == "mine"
        other.save("theirs")
    for write in (store.save, store.append):
        with pytest.raises(ConfigurationError, match="was removed or replaced while it was held"):
            write("late")
    store.close()
    other.close()
    assert path.read_text() == ("theirs" if replaced else "mine")


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    """As what it is, and not as another run; the file is not left open."""
    fcntl = pytest.importorskip("fcntl", reason="Windows locks in another way")

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(ConfigurationError, match="cannot be opened: No locks available"):
        FileStore(tmp_path / "fleet.json").open()


@pytest.mark.parametrize("path", [None, 3, "", ".", b"fleet.json", "a\0b"])
def test_a_store_needs_the_name_of_a_file(path):
    """It says so when it is made, and not when a fleet runs."""
    with pytest.raises(InvalidArgument, match="path: must name a file"):
        FileStore(path)


@pytest.mark.parametrize("store", ["fleet.json", Path("fleet.json"), FileStore])
def test_what_is_no_store_is_refused(on, store):
    """When the fleet is made: a path has `open`, too, and so has the class."""

    async def main(client, _):
        with pytest.raises(InvalidArgument, match=r"store: must be one, such as FileStore\('fleet.json'\)"):
            client.spot.keep_running({"a": SPEC}, **SETTINGS, store=store)

    on(main)


def test_a_change_is_a_line(tmp_path):
    """An empty one could not be told from one that was not written to its end."""
    store = FileStore(tmp_path / "fleet.json")
    store.open()
    store.save("{}")
    for change in ("", "a\nb"):
        with pytest.raises(InvalidArgument, match="change: must be one line"):
            store.append(change)
    store.append("[]")
    assert store.read() == "{}\n[]"
    store.close()


def test_what_cannot_be_written_leaves_what_was(tmp_path):
    """A save that fails half-way is no save."""
    path = tmp_path / "fleet.json"
    store = FileStore(path)
    assert store.open() is None
    store.save("whole")
    assert path.stat().st_mode & 0o077 == 0  # for its owner alone
    (tmp_path / "fleet.json.new").unlink(missing_ok=True)
    (tmp_path / "fleet.json.new").mkdir()
    with pytest.raises(OSError):
        store.save("half")
    store.close()
    assert path.read_text() == "whole"


def test_a_state_that_cannot_be_read_leaves_the_store_free(on, tmp_path):
    """The error says what is wrong with it, and the next run may have the file."""
    path = tmp_path / "fleet.json"
    path.write_text("{}")

    async def main(client, _):
        kept = client.spot.keep_running({"a": SPEC}, **SETTINGS, store=FileStore(path))
        for _ in range(2):
            words = r"store: FileStore\('.*fleet.json'\) cannot be used: its state: is not a valid saved state"
            with pytest.raises(InvalidArgument, match=words):
                await kept.__aenter__()
        path.write_text(FleetState.start({"b": (A40, 1)}).to_json())
        with pytest.raises(InvalidArgument, match="specs: has no spec for b"):
            await kept.__aenter__()
        again = FileStore(path)
        assert again.open()
        again.close()

    on(main)


def test_a_fleet_goes_on_from_its_store(on, tmp_path):
    """A second keeper is refused, a later one knows what moved, and what was left behind is ended if told to."""
    path = tmp_path / "fleet.json"

    async def main(client, emulator):
        one, two = [(await client.spot.rent(SPEC, bid_per_gpu=0.35)).id for _ in range(2)]
        specs, bids = {one: SPEC, two: SPEC}, {one: 0.35, two: 0.35}
        kept = client.spot.keep_running(
            specs, **SETTINGS, bids=bids, store=FileStore(path), on_state=(texts := []).append
        )
        with pytest.raises(InvalidArgument, match="give state or store"):
            client.spot.keep_running(specs, **SETTINGS, state="{}", store=FileStore(path))
        async with kept as events:
            await client.clusters.terminate(one)
            while not isinstance(event := await anext(events), Moved):
                pass
            new = event.cluster_id
            with pytest.raises(ConfigurationError, match="in use by another keep_running"):
                async with client.spot.keep_running(specs, **SETTINGS, store=FileStore(path)):
                    pass
            assert FleetState.from_json(FileStore(path).read()) == FleetState.from_json(texts[-1])
        machine_id = emulator.world.clusters[two].machine_id
        (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
        await client.clusters.stop(two)
        others = sum(each.running and each.machine_id == machine_id for each in emulator.world.clusters.values())
        emulator.world.occupy(machine_id, host.gpus - others)
        store = FileStore(path)
        found = []
        async with client.spot.keep_running(specs, **SETTINGS, store=store, left_behind="terminate") as events:
            assert events.left_behind == ()
            with anyio.move_on_after(60):
                async for event in events:
                    found.append(event)  # noqa: PERF401 - it ends by a cancellation
        moves = [each.old_cluster_id for each in found if isinstance(each, Moved)]
        assert moves in ([two], [one, two])  # what was read last is reported again
        running = {each.id for each in emulator.world.clusters.values() if each.running}
        assert new in running
        assert two not in emulator.world.clusters
        assert {*FleetState.from_json(store.read()).cluster_ids} == running
        assert emulator.world.requests[RENT] == 4
        assert "planted-secret" not in path.read_text()
        assert emulator.api_key not in path.read_text()

    on(main)
