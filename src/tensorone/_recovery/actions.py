"""Steps that may get a cluster running again: what `plan_resume` answers; each says why in `reason`."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - pydantic reads it, where a plan is saved
from typing import Literal

from tensorone._data.dataclass import dataclass
from tensorone._market.bidding import GiveUp, Wait

__all__ = ["AlreadyRunning", "RentElsewhere", "ResumeOnDemand", "ResumeSpot", "StartWithoutGpus", "WaitForGpus"]


@dataclass(frozen=True, slots=True)
class AlreadyRunning:
    """Send nothing: it runs or is about to, and is billed.

    Attributes:
        up: Whether its container runs; otherwise wait for that.
        missing_gpus: GPUs it lacks of those wanted; only a stop and another start could change that.
        reason: The same as a sentence.
    """

    up: bool
    missing_gpus: int
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeOnDemand:
    """Send `clusters.resume`: bills the fixed price from then on. The server may start it with fewer GPUs: check."""

    gpu_count: int
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeSpot:
    """Send `spot.resume`: bills the bid, US dollars per GPU and hour. The server may give fewer GPUs: check."""

    bid_per_gpu: Decimal
    gpu_count: int
    reason: str


@dataclass(frozen=True, slots=True)
class WaitForGpus:
    """Wait at most so many seconds for the machine's GPUs, then try again; the volume is billed meanwhile."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class StartWithoutGpus:
    """Send a resume with a GPU count of 0, to reach the data; `bid_per_gpu` is None for an on-demand cluster.

    Check the count afterwards: a start with one GPU, and its bill, was reported of the sibling API
    (runpod/runpod-python#371).
    """

    bid_per_gpu: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True)
class RentElsewhere:
    """Rent a new cluster, which starts with an empty volume; the old one is left as it is.

    Attributes:
        gpu_type: Whether to take the same GPU type, any of those wanted, or the cheapest of them.
        old_cluster_id: The cluster left behind; terminating it deletes its volume and ends its bill.
        old_machine_id: Where its volume stays, None if unknown.
        volume_stays: Whether there is, or may be, a volume left behind; it stays billed.
        volume_cost_per_month: US dollars at the sibling service's rate, None where the size is unknown.
        reason: Why, and what becomes of the old volume.
    """

    gpu_type: Literal["same", "any", "cheapest"]
    old_cluster_id: str
    old_machine_id: str | None
    volume_stays: bool
    volume_cost_per_month: Decimal | None
    reason: str


ResumeAttempt = ResumeOnDemand | ResumeSpot | StartWithoutGpus

Plan = AlreadyRunning | ResumeAttempt | WaitForGpus | RentElsewhere | Wait | GiveUp
