"""How to get a stopped cluster running again: a pure decision; docs/resume.md has it as a table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone._market.bidding import Bid, GiveUp, Wait, next_bid, price
from tensorone._session.cluster_status import STARTING

from .actions import AlreadyRunning, RentElsewhere, ResumeOnDemand, ResumeSpot, StartWithoutGpus, WaitForGpus
from .leave import cheaper_elsewhere, gpu_type, rent_elsewhere

if TYPE_CHECKING:
    from tensorone._market.bidding import Quote

    from .actions import Plan
    from .policy import ClusterKind, Resumable, ResumePolicy

__all__ = ["plan_resume"]

_ANY_TYPE = ("replace_next", "replace_cheapest")


def plan_resume(known: Resumable, quote: Quote | None, policy: ResumePolicy, cheapest: Quote | None = None) -> Plan:
    """The next thing to do so that the cluster runs.

    Args:
        known: What is known of the cluster.
        quote: The market's prices for its GPU type, None if unknown.
        policy: What is allowed.
        cheapest: The prices of the cheapest other GPU type that may take its place; for ``"replace_cheapest"``.

    Returns:
        One step. A refusal of it goes through `learn` into the next decision; after `Wait` and `WaitForGpus` read
        the cluster and the prices again, forget `gpus_gone` and `refused_bids`, and count up `waited`.
    """
    if known.status is None or known.status == "TERMINATED":
        return _gone(known, policy)
    if known.status == "RUNNING" or known.status in STARTING:
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
        if (why := cheaper_elsewhere(known, start, policy, cheapest)) is not None:
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


def _kind(known: Resumable, policy: ResumePolicy) -> ClusterKind | None:
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
