"""Invariants of every world, under random operations."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

from emulator.worlds import A6000, new_world, order, small_host
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tensorone.emulator import Cluster, Refusal, World

BIDS = st.sampled_from([Decimal("0.15"), Decimal("0.20"), Decimal("0.25"), Decimal("0.30")])
GPUS = st.integers(0, 3)
SOME_GPUS = st.integers(-1, 3)
INDEX = st.integers(0, 7)


class Account(RuleBasedStateMachine):
    """An account with two small machines and a small balance."""

    def __init__(self) -> None:
        super().__init__()
        hosts = [small_host(machine_id="a", disk_in_gb=200), small_host(machine_id="b", gpus=3, memory_in_gb=30)]
        self.world: World = new_world(*hosts, balance=Decimal(5))
        self.latest = self.world.now
        self.deposit = Decimal(5)

    def some(self, index: int) -> str:
        """The id of one of the clusters, or an unknown id."""
        return [*self.world.clusters, *["nobody"] * 8][index]

    @rule(gpus=GPUS, bid=st.none() | BIDS, memory=st.integers(1, 20))
    def deploy(self, gpus: int, bid: Decimal | None, memory: int) -> None:
        """Deploys or rents."""
        with suppress(Refusal):
            self.world.deploy(order(gpu_count=gpus, bid=bid, memory_in_gb=memory))

    @rule(index=INDEX)
    def stop(self, index: int) -> None:
        """Stops."""
        with suppress(Refusal):
            self.world.stop(self.some(index))

    @rule(index=INDEX, gpus=st.none() | SOME_GPUS, bid=st.none() | BIDS)
    def resume(self, index: int, gpus: int | None, bid: Decimal | None) -> None:
        """Resumes, with the right or the wrong operation."""
        with suppress(Refusal):
            self.world.resume(self.some(index), gpu_count=gpus, bid=bid)

    @rule(index=INDEX)
    def terminate(self, index: int) -> None:
        """Terminates."""
        with suppress(Refusal):
            self.world.terminate(self.some(index))

    @rule(index=INDEX)
    def preempt(self, index: int) -> None:
        """Preempts, where possible."""
        with suppress(ValueError):
            self.world.preempt(self.some(index))

    @rule(seconds=st.floats(0, 20_000))
    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.world.advance(seconds)

    @rule(bid=st.none() | BIDS)
    def reprice(self, bid: Decimal | None) -> None:
        """Moves the market."""
        self.world.set_minimum_bid(A6000, bid)

    @rule()
    def pay_in(self) -> None:
        """Pays in a little."""
        self.world.pay_in("2")
        self.deposit += 2

    @invariant()
    def nothing_is_oversubscribed(self) -> None:
        """No machine allocates more of a resource than it has."""
        clusters = self.world.clusters.values()
        for host in self.world.hosts:
            tenants = [each for each in clusters if each.machine_id == host.machine_id]
            running = [each for each in tenants if each.running]
            assert sum(each.gpu_count for each in running) + self.world.free_gpus(host.machine_id) == host.gpus
            assert self.world.free_gpus(host.machine_id) >= 0
            assert sum(each.order.memory_in_gb for each in running) <= host.memory_in_gb
            assert sum(each.order.vcpus for each in running) <= host.vcpus
            assert disk_used(tenants) <= host.disk_in_gb

    @invariant()
    def the_ledger_adds_up(self) -> None:
        """Balance and bill add up to the deposits, and the spend to the rates of the open lines."""
        bill = self.world.bill
        assert self.world.balance + sum(line.amount for line in bill) == self.deposit
        assert self.world.spend_per_hour == sum(line.rate for line in bill if line.open)

    @invariant()
    def only_what_exists_is_billed(self) -> None:
        """The open lines are those of the existing clusters, at their rates."""
        clusters, lines = self.world.clusters, [line for line in self.world.bill if line.open]
        for cluster in clusters.values():
            own = {line.item: line.rate for line in lines if line.cluster_id == cluster.id}
            assert own == self.world.rates(cluster)
        assert {line.cluster_id for line in lines} <= clusters.keys()

    @invariant()
    def nothing_runs_on_credit(self) -> None:
        """With an empty balance, nothing runs."""
        if self.world.balance <= 0:
            assert not any(each.running for each in self.world.clusters.values())

    @invariant()
    def bids_reach_the_minimum(self) -> None:
        """Running spot clusters bid at least the minimum."""
        minimum = self.world.minimum_bid(A6000)
        for each in self.world.clusters.values():
            assert not each.running or not each.spot or each.price >= minimum

    @invariant()
    def stopped_clusters_have_no_container(self) -> None:
        """An EXITED cluster has no runtime, also after a preemption."""
        now = self.world.now
        for each in self.world.clusters.values():
            assert each.running == each.up(now)

    @invariant()
    def time_never_runs_back(self) -> None:
        """The clock only moves forward."""
        assert self.world.now >= self.latest
        self.latest = self.world.now


def disk_used(tenants: list[Cluster]) -> int:
    """GB of one machine: all volumes, and the container disks of running clusters."""
    running = sum(each.order.container_disk_in_gb for each in tenants if each.running)
    return running + sum(each.order.volume_in_gb for each in tenants)


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
