"""Leaving a cluster's machine: what that saves, what stays behind, and what it costs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tensorone._market.bidding import Bid, next_bid
from tensorone._market.volume_price import STOPPED_VOLUME_PER_GB_MONTH

from .actions import RentElsewhere
from .policy import Resumable

if TYPE_CHECKING:
    from tensorone._generated import Cluster
    from tensorone._market.bidding import Quote

    from .policy import ResumePolicy


_HOURS_PER_MONTH = 730


def cheaper_elsewhere(known: Resumable, here: Bid, policy: ResumePolicy, cheapest: Quote | None) -> str | None:
    """Why to leave for a lower price, None to stay: the volume left behind costs too, until it is terminated."""
    if (
        policy.strategy != "replace_cheapest"
        or policy.bidding is None
        or cheapest is None
        or known.volume_in_gb is None
    ):
        return None
    there = next_bid(policy.bidding, cheapest)
    left = known.volume_in_gb * STOPPED_VOLUME_PER_GB_MONTH / _HOURS_PER_MONTH
    if not isinstance(there, Bid) or there.bid_per_gpu * known.gpu_count + left >= here.bid_per_gpu * known.gpu_count:
        return None
    return f"It would cost {here.bid_per_gpu} USD per GPU-hour here, and {there.bid_per_gpu} elsewhere."


def rent_elsewhere(known: Resumable, policy: ResumePolicy, why: str) -> RentElsewhere:
    """The plan to leave, which says what becomes of the old volume."""
    cost, where = None, f"machine {known.machine_id}" if known.machine_id else "its machine"
    if known.volume_in_gb is not None:
        cost = known.volume_in_gb * STOPPED_VOLUME_PER_GB_MONTH
    if cost == 0:
        fate = f"Cluster {known.cluster_id} stays stopped; it has no volume."
    else:
        charge = "at an unknown price" if cost is None else f"about {cost} USD a month at the sibling service's rate"
        fate = (
            f"The volume of cluster {known.cluster_id} stays on {where} and stays billed, {charge}, until that cluster"
            " is terminated, which deletes it."
        )
    return RentElsewhere(gpu_type(policy), known.cluster_id, known.machine_id, cost != 0, cost, f"{why} {fate}")


def left_behind(
    cluster: Cluster, policy: ResumePolicy, volume_in_gb: int | None, why: str, *, active: bool
) -> RentElsewhere:
    """The same of a cluster that was left before."""
    if active:
        why += f" Cluster {cluster.id} runs too, and is billed: stop it if nothing on it is needed."
    known = Resumable(cluster_id=cluster.id, status=None, volume_in_gb=volume_in_gb).seen(cluster)
    return rent_elsewhere(known, policy, why)


def gpu_type(policy: ResumePolicy) -> Literal["same", "any", "cheapest"]:
    """Which GPU types may take its place."""
    if policy.strategy == "replace_cheapest":
        return "cheapest"
    return "any" if policy.strategy == "replace_next" else "same"
