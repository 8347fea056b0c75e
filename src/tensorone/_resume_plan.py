"""How to get a stopped cluster running again: a pure decision; docs/resume.md has it as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol

from . import _checks
from ._bidding import Bid, BidPolicy, GiveUp, Wait, next_bid, price
from ._errors import InvalidArgument
from ._leaving import dear, gpu_type, rent_elsewhere
from ._plans import (
    AlreadyRunning,
    RentElsewhere,
    ResumeOnDemand,
    ResumeSpot,
    StartWithoutGpus,
    WaitForGpus,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._bidding import Quote
    from ._plans import Attempt, Plan

__all__ = ["Resumable", "ResumePolicy", "learn", "plan_resume"]

Kind = Literal["on_demand", "spot"]
Strategy = Literal["in_place", "replace_same", "replace_next", "replace_cheapest"]
Refusal = Literal["gpus_gone", "wrong_kind", "bid_too_low", "not_found"]

_STRATEGIES = ("in_place", "replace_same", "replace_next", "replace_cheapest")
_ANY_TYPE = ("replace_next", "replace_cheapest")
_STARTING = ("CREATED", "RESTARTING")


class _Runtime(Protocol):
    @property
    def gpus(self) -> Sequence[object] | None: ...


class _Cluster(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def desired_status(self) -> str: ...
    @property
    def machine_id(self) -> str | None: ...
    @property
    def runtime(self) -> _Runtime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePolicy:
    """What a resume may do beyond starting the cluster on its own machine, each thing only where it is asked for.

    Args:
        bidding: How to bid for a spot cluster. Its ceiling also holds for the fixed price of an on-demand one.
        strategy: ``"in_place"`` never leaves the machine. ``"replace_same"`` rents the same GPU type elsewhere when
            the machine's GPUs are gone, refuse every bid allowed, or the cluster was terminated; ``"replace_next"``
            any of the GPU types, also when the market asks too much for this one; ``"replace_cheapest"`` the cheapest
            of them, also when it is only cheaper than this one, the volume that would be left behind counted in. A
            volume of unknown size is left for no price.
        wait_for_gpus: Seconds to wait for the machine's GPUs before anything else is tried. A stopped cluster's
            volume is billed meanwhile.
        start_without_gpus: When the GPUs are gone and no replacement is allowed, start with none, to save the data.

    Raises:
        InvalidArgument: A value is out of range.
    """

    bidding: BidPolicy | None = None
    strategy: Strategy = "in_place"
    wait_for_gpus: float = 0.0
    start_without_gpus: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in _STRATEGIES:
            raise InvalidArgument("strategy", f"must be one of {', '.join(_STRATEGIES)}, not {self.strategy!r}")
        _checks.seconds("wait_for_gpus", self.wait_for_gpus, zero=True)
        if self.start_without_gpus not in (True, False):
            raise InvalidArgument("start_without_gpus", "must be True or False")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumable:
    """What is known of a cluster that should run; plain values, so that it can be saved.

    Args:
        cluster_id: The cluster.
        status: Its desired status; None when it is established that the account has no such cluster.
        up: Whether its container runs.
        machine_id: The machine it is bound to.
        gpus: GPUs its container sees, None if unknown.
        gpu_count: GPUs wanted.
        kind: Whether it is a spot cluster, if the caller knows; the core API does not tell.
        volume_in_gb: Size of its volume, if the caller knows; the core API does not tell.
        refused_kinds: Kinds of resume that the server refused for it.
        refused_bids: Bids that were refused as too low in this run, US dollars per GPU and hour.
        gpus_gone: Whether the latest attempt found the machine's GPUs taken; false again for a new attempt.
        waited: Seconds waited for them so far.
        refused_without_gpus: Whether a start without GPUs was refused.
    """

    cluster_id: str
    status: str | None
    up: bool = False
    machine_id: str | None = None
    gpus: int | None = None
    gpu_count: int = 1
    kind: Kind | None = None
    volume_in_gb: int | None = None
    refused_kinds: tuple[Kind, ...] = ()
    refused_bids: tuple[Decimal, ...] = ()
    gpus_gone: bool = False
    waited: float = 0.0
    refused_without_gpus: bool = False

    def __post_init__(self) -> None:
        _checks.integer("gpu_count", self.gpu_count, least=0)

    def seen(self, cluster: _Cluster | None) -> Resumable:
        """The same with the cluster's state as read now; None for a cluster that is established to be gone."""
        if cluster is None:
            return replace(self, status=None, up=False, gpus=None)
        runtime = cluster.runtime
        gpus = None if runtime is None or runtime.gpus is None else len(runtime.gpus)
        status, machine_id = str.__str__(cluster.desired_status), cluster.machine_id or self.machine_id
        return replace(self, status=status, up=runtime is not None, machine_id=machine_id, gpus=gpus)


def learn(known: Resumable, attempt: Attempt, refusal: Refusal) -> Resumable:
    """What is known after the server refused an attempt."""
    if refusal == "not_found":
        return known.seen(None)
    if refusal == "wrong_kind":
        kind: Kind = "on_demand" if _bid_of(attempt) is None else "spot"
        return replace(known, refused_kinds=(*known.refused_kinds, kind))
    if isinstance(attempt, StartWithoutGpus):
        return replace(known, refused_without_gpus=True)
    if refusal == "bid_too_low" and isinstance(attempt, ResumeSpot):
        return replace(known, refused_bids=(*known.refused_bids, attempt.bid_per_gpu))
    return replace(known, gpus_gone=True)


def plan_resume(known: Resumable, quote: Quote | None, policy: ResumePolicy, cheapest: Quote | None = None) -> Plan:
    """The next thing to do so that the cluster runs.

    Args:
        known: What is known of the cluster.
        quote: The market's prices for its GPU type, None if unknown.
        policy: What is allowed.
        cheapest: The prices of the cheapest other GPU type that may take its place; for ``"replace_cheapest"``.

    Returns:
        One step. A refusal of it goes through `learn` into the next decision; after `Wait` and `WaitForGpus` read
        the cluster and the prices anew, forget `gpus_gone` and `refused_bids`, and count up `waited`.
    """
    if known.status is None or known.status == "TERMINATED":
        return _gone(known, policy)
    if known.status == "RUNNING" or known.status in _STARTING:
        return _running(known)
    if known.status != "EXITED":
        return Wait(f"Cluster {known.cluster_id} has status {known.status!r}, of which nothing is known: sent nothing.")
    return _without_gpus_there(known, quote, policy) if known.gpus_gone else _resume(known, quote, policy, cheapest)


def _gone(known: Resumable, policy: ResumePolicy) -> Plan:
    fate = "was terminated, and its volume was deleted with it."
    if known.status is None:
        fate = "is not in the account: it never was, or it was terminated and its volume deleted."
    why = f"Cluster {known.cluster_id} {fate}"
    if policy.strategy == "in_place":
        return GiveUp(f"{why} The strategy 'in_place' rents no other.")
    return RentElsewhere(gpu_type(policy), known.cluster_id, None, False, None, why)


def _running(known: Resumable) -> AlreadyRunning:
    missing = max(0, known.gpu_count - known.gpus) if known.up and known.gpus is not None else 0
    if not known.up:
        return AlreadyRunning(False, 0, f"Cluster {known.cluster_id} is starting, and is billed.")
    lack = f" with {known.gpus} of the {known.gpu_count} GPUs wanted" if missing else ""
    return AlreadyRunning(True, missing, f"Cluster {known.cluster_id} runs{lack}, and is billed.")


def _resume(known: Resumable, quote: Quote | None, policy: ResumePolicy, cheapest: Quote | None) -> Plan:
    start = _terms(known, quote, policy)
    if isinstance(start, Bid):
        if (why := dear(known, start, policy, cheapest)) is not None:
            return rent_elsewhere(known, policy, why)
        return ResumeSpot(start.bid_per_gpu, known.gpu_count, start.reason)
    if start is None:
        return ResumeOnDemand(known.gpu_count, "On-demand clusters resume at their fixed price.")
    return rent_elsewhere(known, policy, start.reason) if _may_leave(known, quote, policy) else start


def _may_leave(known: Resumable, quote: Quote | None, policy: ResumePolicy) -> bool:
    """Whether finding no bid for a start here is a reason to rent elsewhere."""
    if quote is None or policy.bidding is None or _kind(known, policy) != "spot":
        return False  # nobody asked the market yet, nobody may pay it, or there is nothing to bid for
    return policy.strategy in _ANY_TYPE or (policy.strategy == "replace_same" and bool(known.refused_bids))


def _terms(known: Resumable, quote: Quote | None, policy: ResumePolicy) -> Bid | Wait | GiveUp | None:
    """The bid to start with, None for the fixed price, or why neither."""
    kind, bidding = _kind(known, policy), policy.bidding
    if kind is None:
        return GiveUp(f"Cluster {known.cluster_id} was refused both as a spot and as an on-demand cluster.")
    if bidding is None:
        return GiveUp("A spot cluster resumes only by a bid: give a BidPolicy.") if kind == "spot" else None
    if quote is None:
        return Wait("The market's prices are not known: ask for a quote.")
    if kind == "spot":
        return next_bid(bidding, quote, known.refused_bids)
    return _affordable(quote, Decimal(bidding.ceiling))


def _affordable(quote: Quote, ceiling: Decimal) -> Wait | GiveUp | None:
    fixed = price(quote.on_demand_price)
    if fixed is None:
        return Wait("It is an on-demand cluster, and its fixed price is not known now: it could be above the ceiling.")
    if fixed > ceiling:
        return GiveUp(f"It is an on-demand cluster at {fixed} USD per GPU-hour, above the ceiling of {ceiling}.")
    return None


def _without_gpus_there(known: Resumable, quote: Quote | None, policy: ResumePolicy) -> Plan:
    why = f"The GPUs of machine {known.machine_id or '(unknown)'} are rented to others."
    if known.waited < policy.wait_for_gpus:
        return WaitForGpus(policy.wait_for_gpus - known.waited, f"{why} Waiting for them.")
    if policy.strategy != "in_place":
        return rent_elsewhere(known, policy, why)
    if not policy.start_without_gpus:
        return GiveUp(f"{why} Allow wait_for_gpus, start_without_gpus or another strategy; the volume stays, billed.")
    if known.refused_without_gpus:
        return GiveUp(f"{why} A start without GPUs was refused too; the volume stays, billed.")
    start = _terms(known, quote, policy)
    if start is None or isinstance(start, Bid):
        bid = start.bid_per_gpu if start else None
        return StartWithoutGpus(bid, f"{why} Starting without any, to reach the data.")
    return start


def _kind(known: Resumable, policy: ResumePolicy) -> Kind | None:
    """The kind the server left open, else what the caller says, else what the presence of a bidding policy suggests."""
    match "spot" in known.refused_kinds, "on_demand" in known.refused_kinds:
        case True, True:
            return None
        case True, False:
            return "on_demand"
        case False, True:
            return "spot"
        case _:
            return known.kind or ("on_demand" if policy.bidding is None else "spot")


def _bid_of(attempt: Attempt) -> Decimal | None:
    return None if isinstance(attempt, ResumeOnDemand) else attempt.bid_per_gpu
