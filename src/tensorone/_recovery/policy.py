"""What a recovery may do, what is known of its cluster, and what it learns from a refusal. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, Literal, Protocol

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._errors import BidTooLow, ClusterNotFound, InvalidArgument, NoCapacity, QueryError
from tensorone._market.bidding import BidPolicy, checked_bidding

from .actions import ResumeOnDemand, ResumeSpot, StartWithoutGpus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorone._errors import TensorOneError

    from .actions import ResumeAttempt

__all__ = ["Resumable", "ResumePolicy", "learn"]

ClusterKind = Literal["on_demand", "spot"]

Strategy = Literal["in_place", "replace_same", "replace_next", "replace_cheapest"]

Refusal = Literal["gpus_gone", "wrong_kind", "bid_too_low", "not_found"]

_STRATEGIES = ("in_place", "replace_same", "replace_next", "replace_cheapest")


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


_WRONG_KIND = re.compile(r"cannot resume an? (spot|on.demand) (pod|cluster) as an?\b", re.IGNORECASE)


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
        if self.bidding is not None:
            checked_bidding(self.bidding)
        if self.strategy not in _STRATEGIES:
            raise InvalidArgument("strategy", f"must be one of {', '.join(_STRATEGIES)}, not {self.strategy!r}")
        _checks.seconds("wait_for_gpus", self.wait_for_gpus, zero=True)
        _checks.flag("start_without_gpus", self.start_without_gpus)


def checked_wait(policy: ResumePolicy, timeout: float) -> ResumePolicy:
    """The policy, for a call of so many seconds.

    Raises:
        InvalidArgument: The wait for GPUs leaves no time for what would follow it.
    """
    moves = policy.strategy != "in_place"
    if policy.wait_for_gpus >= timeout and (moves or policy.start_without_gpus):
        then = "another cluster" if moves else "a start without GPUs"
        words = f"{policy.wait_for_gpus:g} s are not less than timeout={timeout:g}, so {then} would never be tried"
        raise InvalidArgument("wait_for_gpus", words)
    return policy


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
        kind: Whether it is a spot cluster, if the caller knows; the core API does not say.
        volume_in_gb: Size of its volume, if the caller knows; the core API does not say.
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
    kind: ClusterKind | None = None
    volume_in_gb: int | None = None
    refused_kinds: tuple[ClusterKind, ...] = ()
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


def learn(known: Resumable, attempt: ResumeAttempt, refusal: Refusal) -> Resumable:
    """What is known after the server refused an attempt."""
    if refusal == "not_found":
        return known.seen(None)
    if refusal == "wrong_kind":
        kind: ClusterKind = "on_demand" if _bid_of(attempt) is None else "spot"
        return replace(known, refused_kinds=(*known.refused_kinds, kind))
    if isinstance(attempt, StartWithoutGpus):
        return replace(known, refused_without_gpus=True)
    if refusal == "bid_too_low" and isinstance(attempt, ResumeSpot):
        return replace(known, refused_bids=(*known.refused_bids, attempt.bid_per_gpu))
    return replace(known, gpus_gone=True)


def _bid_of(attempt: ResumeAttempt) -> Decimal | None:
    return None if isinstance(attempt, ResumeOnDemand) else attempt.bid_per_gpu


def refusal_of(error: TensorOneError) -> Refusal | None:
    """What a refused resume teaches; None where it teaches nothing about the cluster. Pure."""
    if isinstance(error, BidTooLow):
        return "bid_too_low"
    if isinstance(error, NoCapacity):
        return "gpus_gone"
    if isinstance(error, ClusterNotFound):
        return "not_found"
    return "wrong_kind" if isinstance(error, QueryError) and _WRONG_KIND.search(str(error)) else None
