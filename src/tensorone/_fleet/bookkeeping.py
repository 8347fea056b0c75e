"""What a fleet keeps in mind beyond its members: rentals that were sent, and clusters that were left behind. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tensorone._data.rows import Rows
from tensorone._recovery.leave import rent_elsewhere
from tensorone._recovery.policy import Resumable, ResumePolicy
from tensorone._session.cluster_status import MISSES_UNTIL_GONE, is_active

from .events import End, Recover
from .member import LeftBehind, Sent
from .observations import Duplicated, Pending, Polled, RecoveryFailed, RecoverySucceeded, RentalSent, Strayed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tensorone._generated import Cluster
    from tensorone._recovery.actions import RentElsewhere

    from .member import Member, Members
    from .observations import Observation
    from .state import FleetSettings, FleetState


LATE = 300.0  # seconds after a move within which a start of the old cluster is one that was sent before it

SENT_MEMORY = 3600.0  # seconds after which no rental is expected to be committed any more, however late


def sent_after(sent: Rows[Sent], observation: Observation, now: float) -> Rows[Sent]:
    """The rentals to remember."""
    if isinstance(observation, RentalSent):
        return sent.with_key(Sent(cluster_id=observation.cluster_id, at=now, by=observation.by))
    if isinstance(observation, Pending):
        return sent
    if isinstance(observation, RecoverySucceeded | RecoveryFailed):
        place = sent.find(observation.cluster_id)
        if place is None:
            return sent
        return sent.with_row(place, replace(sent[place], settled=True))
    if all(each.at + SENT_MEMORY > now for each in sent):
        return sent
    return Rows(each for each in sent if each.at + SENT_MEMORY > now)


def may_be_committed(sent: Rows[Sent], cluster_id: str, now: float, settle_time: float) -> bool:
    """Whether a rental in the place of a cluster was sent of which nobody saw what came."""
    place = sent.find(cluster_id)
    return place is not None and not sent[place].settled and now < sent[place].at + settle_time


def order_for(member: Member, now: float) -> Recover:
    """The order to recover a member."""
    waited = 0.0 if member.waiting_since is None else max(0.0, now - member.waiting_since)
    return Recover(
        member.cluster_id,
        member.gone,
        member.recoveries,
        member.origin,
        gpu_type_id=member.gpu_type_id,
        waited=waited,
        past=member.past,
    )


def checked_for_rentals(order: Recover, sent: Rows[Sent], now: float, settings: FleetSettings) -> Recover:
    """An order, which says so where a rental in its place may yet be committed."""
    unsettled = may_be_committed(sent, order.cluster_id, now, settings.settle_time)
    return replace(order, unsettled=True) if unsettled else order


def is_settled(order: Recover, sent: Rows[Sent]) -> bool:
    """Whether it is known what came of all that was sent in the place of a cluster.

    Before its first recovery it is not: whoever kept the cluster before may have sent something.
    """
    place = sent.find(order.cluster_id)
    return order.number > 0 if place is None else sent[place].settled


def left_after(state: FleetState, observation: Observation) -> Rows[LeftBehind]:
    """The clusters that were left behind and that the account may still have."""
    if isinstance(observation, Polled):
        shown = {each.id: str.__str__(each.desired_status) for each in observation.clusters}
        found = (
            each if each.key in observation.unasked else _seen(each, shown.get(each.key)) for each in state.left_behind
        )
        return Rows(each for each in found if each.misses < MISSES_UNTIL_GONE)
    if isinstance(observation, RecoverySucceeded | Strayed) and observation.left_behind is not None:
        return _with(state.left_behind, observation.left_behind)
    return state.left_behind


def without_current(left: Rows[LeftBehind], observation: Observation, members: Members) -> Rows[LeftBehind]:
    """What was left behind, without what is a member again."""
    if isinstance(observation, RecoverySucceeded | Duplicated):
        back = observation.new_cluster_id if isinstance(observation, RecoverySucceeded) else observation.kept_id
        return left.without(back) if members.find(back) is not None else left
    if not isinstance(observation, Polled | Strayed) or not left:
        return left
    current = {member.cluster_id for member in members}
    return (
        left if current.isdisjoint(each.key for each in left) else Rows(one for one in left if one.key not in current)
    )


def ends(state: FleetState, shown: Mapping[str, Cluster], now: float, settings: FleetSettings) -> tuple[End, ...]:
    """What to end of that which was left behind: what has no slot any more, all where that is wanted, late starts.

    The latter two only once the replacement runs. A cluster that was started by hand, long after it was left, is left
    alone.
    """
    places = {old: one for one in state.members for old in one.past}
    found: list[End] = []
    for left, cluster in ((each, shown[each.key]) for each in state.left_behind if each.key in shown):
        place = places.get(cluster.id)
        if left.unwanted and cluster.desired_status != "TERMINATED":
            found.append(End(cluster.id, "terminate", "Its slot is no longer asked for."))
        elif cluster.desired_status == "TERMINATED" or (place is not None and place.phase not in ("booting", "up")):
            continue
        elif settings.left_behind == "terminate":
            found.append(End(cluster.id, "terminate", "Another cluster has its place."))
        elif is_active(cluster) and place is not None and now < (place.recovered_at or 0.0) + LATE:
            found.append(End(cluster.id, "stop", "It started after another cluster had been rented in its place."))
    return tuple(found)


def with_members(state: FleetState, members: Collection[Member], gone: Iterable[Member]) -> FleetState:
    """The state with other members; the clusters of those that are gone are left behind, to be terminated."""
    left = state.left_behind
    for each in gone:
        left = left.with_key(_unwanted(each))
    if left is state.left_behind and tuple(members) == state.members:
        return state
    return replace(state, members=type(state.members)(members), left_behind=left)


def sized(member: Member, gpu_count: int) -> Member:
    """A member of a slot of so many GPUs; one that runs counts as the larger of what it is and what it is to be."""
    count = max(member.gpu_count, gpu_count) if member.billed else gpu_count
    return member if count == member.gpu_count else replace(member, gpu_count=count)


def _unwanted(member: Member) -> LeftBehind:
    known = Resumable(cluster_id=member.cluster_id, status=None, volume_in_gb=member.volume_in_gb)
    plan = rent_elsewhere(known, ResumePolicy(), "Its slot is no longer asked for.")
    return LeftBehind(cluster=plan, unwanted=True)


def _seen(left: LeftBehind, status: str | None) -> LeftBehind:
    if status == "TERMINATED":
        return replace(left, misses=MISSES_UNTIL_GONE)
    return replace(left, misses=0 if status else left.misses + 1)


def _with(left: Rows[LeftBehind], plan: RentElsewhere) -> Rows[LeftBehind]:
    if not plan.volume_stays and plan.volume_cost_per_month is None:
        return left.without(plan.old_cluster_id)  # the cluster is gone, and its volume with it
    place = left.find(plan.old_cluster_id)
    return left.with_key(LeftBehind(cluster=plan, unwanted=place is not None and left[place].unwanted))
