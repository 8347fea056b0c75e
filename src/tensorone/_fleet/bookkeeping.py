"""What a fleet keeps in mind beyond its members: rentals that were sent, and clusters that were left behind. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tensorone._session.cluster_status import MISSES_UNTIL_GONE

from .events import Polled, RecoveryFailed, RecoverySucceeded, RentalSent, Strayed
from .member import LeftBehind, Sent

if TYPE_CHECKING:
    from tensorone._recovery.actions import RentElsewhere

    from .events import Observation
    from .state import FleetState


SENT_MEMORY = 3600.0  # seconds after which no rental is expected to be committed any more, however late


def sent_after(sent: tuple[Sent, ...], observation: Observation, now: float) -> tuple[Sent, ...]:
    """The rentals to remember."""
    recent = tuple(each for each in sent if each.at + SENT_MEMORY > now)
    if isinstance(observation, RentalSent):
        others = (each for each in recent if each.cluster_id != observation.cluster_id)
        return (*others, Sent(cluster_id=observation.cluster_id, at=now))
    if not isinstance(observation, RecoverySucceeded | RecoveryFailed):
        return recent
    if isinstance(observation, RecoveryFailed) and observation.unsettled:
        return recent
    return tuple(replace(each, settled=True) if each.cluster_id == observation.cluster_id else each for each in recent)


def may_be_committed(sent: tuple[Sent, ...], cluster_id: str, now: float, settle_time: float) -> bool:
    """Whether a rental in the place of a cluster was sent of which nobody saw what came."""
    return any(each.cluster_id == cluster_id and not each.settled and now < each.at + settle_time for each in sent)


def left_after(state: FleetState, observation: Observation) -> tuple[LeftBehind, ...]:
    """The clusters that were left behind and that the account may still have."""
    if isinstance(observation, Polled):
        shown = {each.id: str.__str__(each.desired_status) for each in observation.clusters}
        found = (_seen(each, shown.get(each.cluster.old_cluster_id)) for each in state.left_behind)
        return tuple(each for each in found if each.misses < MISSES_UNTIL_GONE)
    if isinstance(observation, RecoverySucceeded | Strayed) and observation.left_behind is not None:
        return _with(state.left_behind, observation.left_behind)
    return state.left_behind


def _seen(left: LeftBehind, status: str | None) -> LeftBehind:
    if status == "TERMINATED":
        return replace(left, misses=MISSES_UNTIL_GONE)
    return replace(left, misses=0 if status else left.misses + 1)


def _with(left: tuple[LeftBehind, ...], plan: RentElsewhere) -> tuple[LeftBehind, ...]:
    others = tuple(each for each in left if each.cluster.old_cluster_id != plan.old_cluster_id)
    if not plan.volume_stays and plan.volume_cost_per_month is None:
        return others  # the cluster is gone, and its volume with it
    return (*others, LeftBehind(cluster=plan))
