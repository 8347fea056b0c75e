"""Many operations under faults, cancellations and a killed process; then the world is compared with the callers.

    python tests/soak.py --operations 1000 --seeds 10           the SDK
    python tests/soak.py --operations 1000 --client naive       a client that repeats every failed request, as control

A caller records each operation before it starts and its outcome after it. Half-way it is killed (SIGKILL) and
restarted with its records; it must find its clusters by their tokens.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import httpx

from tensorone import ClusterSpec, OutcomeUnknown, RetryPolicy, TensorOne, TensorOneError, fan_out
from tensorone.emulator import Emulator, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = ["NVIDIA A40", "NVIDIA L40S", "NVIDIA RTX A6000", "NVIDIA L40", "NVIDIA RTX 6000 Ada Generation", "NVIDIA L4"]
SETTLE = 2.0  # seconds; the latest commit and the longest lag together take 0.7
RENTS = ("clusterFindAndDeployOnDemand", "clusterRentInterruptable")
PLANS = ("keep", "keep", "keep", "terminate", "pause", "cancel", "read")
CHANCES = {
    "close": 0.02,
    "reset": 0.02,
    "hang": 0.005,
    "truncate": 0.02,
    "bad_gateway": 0.02,
    "server_error": 0.02,
    "internal_error": 0.02,
    "garbage": 0.01,
    "data_with_errors": 0.02,
    "delay": 0.01,
    "unknown_enum": 0.02,
    "extra_field": 0.02,
}


def faults() -> list[Fault]:
    """Every kind of fault, at random, before and after the server acts."""
    found = [
        Fault(kind, times=None, probability=chance, seconds=0.2 if kind == "delay" else None)
        for kind, chance in CHANCES.items()
    ]
    found += [Fault("rate_limited", times=None, probability=0.005, retry_after="0.05")]
    found += [Fault("graphql_error", times=None, probability=0.005, code="RATE_LIMITED")]
    found += [Fault(kind, times=None, probability=0.02, commit=True) for kind in ("close", "reset", "bad_gateway")]
    # A successful terminate answers null, so a false null could not be noticed there.
    found += [Fault("null", operation=name, times=None, probability=0.01) for name in RENTS]
    found += [Fault("hang", times=None, probability=0.005, commit=True)]
    found += [Fault("commit_late", operation=name, times=None, probability=0.02, seconds=0.3) for name in RENTS]
    found += [Fault("listing_lag", operation=name, times=None, probability=0.1, seconds=0.4) for name in RENTS]
    return found


# --- the two clients


class Renter(Protocol):
    """What a caller needs from a client."""

    async def rent(self, gpu_type_id: str, token: str, *, spot: bool) -> str: ...
    async def find(self, token: str) -> str | None: ...
    async def terminate(self, cluster_id: str) -> None: ...
    async def pause(self, cluster_id: str, *, spot: bool) -> None: ...
    async def read(self) -> None: ...


class Careful:
    """The SDK, used as its documentation recommends."""

    def __init__(self, client: TensorOne) -> None:
        self._client = client

    async def rent(self, gpu_type_id: str, token: str, *, spot: bool) -> str:
        """Rents one GPU with a token of the caller."""
        spec = ClusterSpec(image_name="soak", gpu_type_id=gpu_type_id, cloud_type="ALL")
        if spot:
            return (await self._client.spot.rent(spec, bid_per_gpu=3, client_token=token)).id
        return (await self._client.clusters.deploy(spec, client_token=token)).id

    async def find(self, token: str) -> str | None:
        """Searches for a token for the whole settling time."""
        while True:
            with suppress(TensorOneError):  # an outage proves nothing: poll again
                found = await self._client.clusters.find(token, timeout=SETTLE)
                return found.id if found else None

    async def terminate(self, cluster_id: str) -> None:
        """Deletes a cluster."""
        await self._client.clusters.terminate(cluster_id)

    async def pause(self, cluster_id: str, *, spot: bool) -> None:
        """Stops and resumes a cluster."""
        await self._client.clusters.stop(cluster_id)
        if spot:
            await self._client.spot.resume(cluster_id, bid_per_gpu=3, gpu_count=1)
        else:
            await self._client.clusters.resume(cluster_id, gpu_count=1)

    async def read(self) -> None:
        """Lists everything."""
        await self._client.clusters.list()


class Naive:
    """Repeats every failed request, as most clients do, and uses no tokens."""

    def __init__(self, http: httpx.AsyncClient, url: str, key: str) -> None:
        self._http, self._url, self._key = http, url, key

    async def _send(self, query: str) -> dict[str, Any]:
        for attempt in range(5):
            try:
                answer = await self._http.post(self._url, params={"api_key": self._key}, json={"query": query})
                answer.raise_for_status()
                body = answer.json()
                if not body.get("errors"):
                    return dict(body["data"])
            except (httpx.HTTPError, ValueError):
                pass
            await anyio.sleep(0.02 * 2**attempt)
        raise LookupError(query)

    async def rent(self, gpu_type_id: str, token: str, *, spot: bool) -> str:
        """Rents one GPU."""
        name, bid = (RENTS[1], "bidPerGpu: 3") if spot else (RENTS[0], "")
        env = f'[{{key: "TENSORONE_CLIENT_TOKEN", value: "{token}"}}]'  # for the comparison: it never searches
        wanted = f'{bid} imageName: "soak" gpuTypeId: "{gpu_type_id}" gpuCount: 1 cloudType: ALL env: {env}'
        cluster = (await self._send(f"mutation {{ {name}(input: {{{wanted}}}) {{ id }} }}"))[name]
        if cluster is None:
            raise LookupError("no capacity")
        return str(cluster["id"])

    async def find(self, token: str) -> str | None:
        """Has no token to search for."""
        return None

    async def terminate(self, cluster_id: str) -> None:
        """Deletes a cluster."""
        await self._send(f'mutation {{ clusterTerminate(input: {{clusterId: "{cluster_id}"}}) }}')

    async def pause(self, cluster_id: str, *, spot: bool) -> None:
        """Stops and resumes a cluster."""
        await self._send(f'mutation {{ clusterStop(input: {{clusterId: "{cluster_id}"}}) {{ id }} }}')

    async def read(self) -> None:
        """Lists everything."""
        await self._send("{ myself { clusters { id } } }")


# --- the caller: a process of its own


@dataclass
class Journal:
    """What the caller did, one line each, written so that it survives the caller's death."""

    path: Path
    begun: dict[int, dict[str, Any]] = field(default_factory=dict)
    ended: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            with suppress(ValueError):  # the last line of a process that died, or that is writing right now
                entry = json.loads(line)
                (self.ended if "end" in entry else self.begun)[entry["number"]] = entry

    def write(self, **entry: object) -> None:
        """Appends a line, which survives if the process dies next."""
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


@dataclass(frozen=True)
class Task:
    """One operation of the soak."""

    number: int
    plan: str
    gpu_type_id: str
    spot: bool
    moment: float

    @property
    def token(self) -> str:
        """Token of the task's rental."""
        return f"soak-{self.number}"


def tasks(seed: int, count: int) -> list[Task]:
    """The tasks, the same for every run with a seed."""
    rng = random.Random(seed)
    return [
        Task(number, rng.choice(PLANS), rng.choice(TYPES), rng.random() < 0.4, rng.uniform(0, 0.08))
        for number in range(count)
    ]


async def run_task(task: Task, renter: Renter, journal: Journal, *, again: bool) -> None:
    """Does one task, or continues it where a dead process left it, and writes down the result."""
    if not again:
        journal.write(number=task.number, token=task.token)
    try:
        end = await outcome(task, renter, again=again)
    except OutcomeUnknown as error:
        found = await renter.find(error.client_token or task.token)
        end = {"end": "has", "id": found} if found else {"end": "failed", "why": str(error)}
    except (TensorOneError, LookupError) as error:
        end = {"end": "failed", "why": f"{type(error).__name__}: {error}"}
    journal.write(number=task.number, token=task.token, **end)


async def outcome(task: Task, renter: Renter, *, again: bool) -> dict[str, object]:
    """What the caller knows afterwards: a cluster it has, one it terminated, or nothing."""
    if task.plan == "read":
        await renter.read()
        return {"end": "nothing"}
    if task.plan == "cancel":
        return await rent_and_cancel(task, renter, again=again)
    cluster_id = await renter.find(task.token) if again else None
    cluster_id = cluster_id or await renter.rent(task.gpu_type_id, task.token, spot=task.spot)
    if task.plan == "terminate":
        return await ended(cluster_id, renter)
    if task.plan == "pause":
        with suppress(TensorOneError, LookupError):  # refused or unknown: the cluster is known anyway
            await renter.pause(cluster_id, spot=task.spot)
    return {"end": "has", "id": cluster_id}


async def rent_and_cancel(task: Task, renter: Renter, *, again: bool) -> dict[str, object]:
    """Rents, and cancels at some moment."""
    if again:
        left = await renter.find(task.token)
        return await ended(left, renter) if left else {"end": "nothing"}
    cluster_id = None
    with anyio.move_on_after(task.moment):
        cluster_id = await renter.rent(task.gpu_type_id, task.token, spot=task.spot)
    return {"end": "has", "id": cluster_id} if cluster_id else {"end": "nothing"}


async def ended(cluster_id: str, renter: Renter) -> dict[str, object]:
    """Terminates a cluster; if that fails, the caller still knows it, and that it may be gone."""
    try:
        await renter.terminate(cluster_id)
    except (TensorOneError, LookupError):
        return {"end": "maybe", "id": cluster_id}
    return {"end": "gone", "id": cluster_id}


async def work(url: str, key: str, path: Path, seed: int, count: int, kind: str) -> None:
    """The caller's entry point."""
    with path.open("a") as file:
        file.write("\n")  # ends the line that a dead process may have left unfinished
    journal = Journal(path)
    left = [task for task in tasks(seed, count) if task.number not in journal.ended]

    async def with_renter(renter: Renter) -> None:
        await fan_out(lambda task: run_task(task, renter, journal, again=task.number in journal.begun), left, limit=20)

    if kind == "naive":
        async with httpx.AsyncClient(timeout=0.6) as http:
            await with_renter(Naive(http, url, key))
        return
    retry = RetryPolicy(attempts=8, wait_initial=0.02, wait_max=0.2)
    async with TensorOne(key, url=url, timeout=0.6, retry=retry, settle_time=SETTLE) as client:
        await with_renter(Careful(client))


# --- the comparison


@dataclass(frozen=True)
class Report:
    """The differences between the world and the callers' records."""

    operations: int
    outcomes: dict[str, int]
    faults: int
    requests: int
    orphans: int
    duplicates: int
    wrong: int
    lost: int
    wasted: Decimal

    @property
    def clean(self) -> bool:
        """Whether there is no difference."""
        return not (self.orphans or self.duplicates or self.wrong or self.lost)

    def __str__(self) -> str:
        return (
            f"{self.operations} operations, {self.requests} requests, {self.faults} faults, outcomes {self.outcomes}: "
            f"{self.orphans} orphans, {self.duplicates} duplicates alive, {self.wrong} wrong answers, "
            f"{self.lost} lost ids, ${self.wasted:.4f} spent on machines without a caller that knows them"
        )


def compare(emulator: Emulator, journal: Journal, operations: int) -> Report:
    """Compares the world with the journal."""
    alive = emulator.world.clusters
    tokens = {each.id: dict(each.order.env).get("TENSORONE_CLIENT_TOKEN") for each in alive.values()}
    has = {entry["id"] for entry in journal.ended.values() if entry["end"] == "has"}
    gone = {entry["id"] for entry in journal.ended.values() if entry["end"] == "gone"}
    failed = {entry["token"] for entry in journal.ended.values() if entry["end"] == "failed"}
    maybe = {entry["id"] for entry in journal.ended.values() if entry["end"] == "maybe"}
    unknown = alive.keys() - has - maybe
    per_token = Counter(token for token in tokens.values() if token)
    return Report(
        operations=operations,
        outcomes=dict(Counter(entry["end"] for entry in journal.ended.values())),
        faults=len(emulator.faults.hits),
        requests=sum(emulator.world.requests.values()),
        orphans=len(unknown),
        duplicates=sum(count - 1 for count in per_token.values()),
        wrong=len(has - alive.keys()) + len(gone & alive.keys()) + operations - len(journal.ended),
        lost=sum(tokens[each] in failed for each in unknown),
        wasted=sum((line.amount for line in emulator.world.bill if line.cluster_id in unknown), Decimal(0)),
    )


def soak(operations: int, seed: int, client: str = "sdk", tell: Callable[[int], None] = lambda _: None) -> Report:
    """One run: a caller that is killed half-way, the same caller restarted, and the comparison."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Emulator(seed=seed, boot="at-once", balance="1000000", first_clusters=False) as emulator,
    ):
        path = Path(directory) / "journal"
        emulator.faults.add(*faults())
        command = [sys.executable, __file__, "--work", str(path), "--url", emulator.url, "--key", emulator.api_key]
        command += ["--operations", str(operations), "--seed", str(seed), "--client", client]
        # A proxy in the environment could not reach the emulator on loopback.
        direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with subprocess.Popen(command, env=direct) as first:
            while first.poll() is None and (ended := len(Journal(path).ended)) < operations // 2:
                tell(ended)
                time.sleep(0.02)
            first.send_signal(signal.SIGKILL)
        with subprocess.Popen(command, env=direct) as second:
            while (status := second.poll()) is None:
                tell(len(Journal(path).ended))
                time.sleep(0.1)
        if status:
            raise subprocess.CalledProcessError(status, command)
        emulator.world.advance(30)  # every late commit has happened by now
        return compare(emulator, Journal(path), operations)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1, help="how many runs")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--client", choices=["sdk", "naive"], default="sdk")
    for name in ("--work", "--url", "--key"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        if not os.environ.get("TENSORONE_LOG"):
            logging.disable()  # warnings of lost answers, hundreds of them: the report counts what came of each
        anyio.run(work, options.url, options.key, Path(options.work), options.seed, options.operations, options.client)
        return 0
    sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
    from progress import shown  # noqa: PLC0415 - the benches' own, which only a person at a terminal needs

    reports = []
    for seed in range(options.seed, options.seed + options.seeds):
        with shown(f"seed {seed}, operations", options.operations) as tell:
            reports.append(soak(options.operations, seed, options.client, tell))
        print(f"seed {seed}: {reports[-1]}", flush=True)
    return 0 if all(report.clean for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
