"""Which clusters were rented in the place of others: by any run, and by any keeper of the same fleet. Pure.

The token of a replacement follows from the cluster that it replaces, so that a cluster is replaced once, whoever does
it: two keepers that know nothing of each other find the same replacement.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tensorone._data.dataclass import dataclass
from tensorone._recovery.leave import left_behind
from tensorone._recovery.policy import ResumePolicy
from tensorone._session import token_and_expiry
from tensorone._session.cluster_status import is_active

from .observations import Duplicated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tensorone._generated import Cluster
    from tensorone._recovery.actions import RentElsewhere

    from .events import Recover
    from .member import Member
    from .state import FleetState


TOKENS = "keep-"  # begins the token of every replacement

SAME_AGE = 5  # seconds of uptime by which two clusters may differ and still count as rented at the same time


PATIENCE = 300.0  # seconds for which duplicates may boot


def is_seat(cluster_id: str) -> bool:
    """Whether it is the name of a slot that has not had a cluster yet."""
    return "--" in cluster_id


def token(cluster_id: str) -> str:
    """The token of whatever is rented in the place of a cluster."""
    return f"{TOKENS}{cluster_id}"


def successor(order: Recover, shown: Mapping[str, Cluster], members: Collection[str]) -> Cluster | None:
    """The cluster that has the place of a lost one already: the one that runs, else the latest one."""
    others = [each for each in shown.values() if each.id not in members]
    before = f"{TOKENS}{order.origin}-{order.number}"  # as tokens were made before states had a third format
    found = _latest((token(order.cluster_id), before), others)
    if found is not None or not order.past:
        return found
    siblings = token_and_expiry.with_token(others, token(order.past[-1]))
    same_place = [*siblings, *(each for each in others if order.gone and each.id == order.past[-1])]
    return next(filter(is_active, same_place), None)


def _latest(tokens: tuple[str, ...], clusters: Iterable[Cluster]) -> Cluster | None:
    """The end of a chain of replacements."""
    left, found = list(clusters), None
    while carrying := [each for one in tokens for each in token_and_expiry.with_token(left, one)]:
        found = carrying[0]
        if is_active(found):
            return found
        left, tokens = [each for each in left if each not in carrying], (token(found.id),)
    return found


@dataclass(frozen=True, slots=True)
class Surplus:
    """What the account holds beyond one cluster per place.

    Attributes:
        duplicated: Members that are duplicates of clusters that stay.
        running: Clusters to terminate: they run, and nobody uses them.
        stopped: Clusters that stopped and are not known to be left behind.
    """

    duplicated: tuple[Duplicated, ...]
    running: tuple[Cluster, ...]
    stopped: tuple[Cluster, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a fleet knows clusters by: made once a look, which may show as many replacements as there are members.

    Attributes:
        members: The members, by cluster.
        places: The members, by cluster and by the cluster before that.
        sent: The clusters in whose place a rental was sent.
        left: The clusters that were left behind.
        past: All of these, and those that members had before.
    """

    members: Mapping[str, Member]
    places: Mapping[str, list[Member]]
    sent: frozenset[str]
    left: frozenset[str]
    past: frozenset[str]


def _known(state: FleetState) -> _Known:
    places: defaultdict[str, list[Member]] = defaultdict(list)
    for one in state.members:
        for each in (one.cluster_id, *one.past[-1:]):
            places[each].append(one)
    sent = frozenset(each.cluster_id for each in state.sent)
    left = frozenset(each.key for each in state.left_behind)
    past = sent | left | {each for one in state.members for each in one.past}
    return _Known({one.cluster_id: one for one in state.members}, places, sent, left, past)


def surplus(state: FleetState, shown: Mapping[str, Cluster], now: float) -> Surplus:
    """What a listing shows of replacements that are not members."""
    replacements: defaultdict[str, list[Cluster]] = defaultdict(list)
    for each in shown.values():
        old = replaced(each)
        if old is not None and each.desired_status != "TERMINATED" and state.left_behind.find(each.id) is None:
            replacements[old].append(each)
    if not replacements:
        return Surplus((), (), ())
    known = _known(state)
    found = [_of(old, rented, known, shown, now) for old, rented in sorted(replacements.items())]
    return Surplus(
        tuple(each for one in found for each in one.duplicated),
        tuple(each for one in found for each in one.running),
        tuple(each for one in found for each in one.stopped),
    )


def _of(old: str, rented: list[Cluster], known: _Known, shown: Mapping[str, Cluster], now: float) -> Surplus:
    """The same of what was rented in the place of one cluster."""
    if any(_is_lost(one, shown) for one in known.places.get(old, ())):
        return Surplus((), (), ())  # its recovery finds them
    mine, others = _split(rented, known.members)
    running, active = list(filter(is_active, mine)), list(filter(is_active, rented))
    stopped = tuple(_strays(old, others, known, ours=bool(mine)))
    if len(running) != 1:
        ours = running or (not mine and old in known.sent)
        return Surplus((), tuple(filter(is_active, others)) if ours else (), stopped)
    recovered_at = known.members[running[0].id].recovered_at or 0.0
    if any(each.runtime is None for each in active) and now < recovered_at + PATIENCE:
        return Surplus((), (), stopped)  # which is the oldest is not known before all have booted
    keep = kept(active)
    duplicated = () if keep is running[0] else (Duplicated(running[0].id, keep.id),)
    return Surplus(duplicated, tuple(each for each in active if each is not keep), stopped)


def _split(rented: list[Cluster], members: Collection[str]) -> tuple[list[Cluster], list[Cluster]]:
    return [each for each in rented if each.id in members], [each for each in rented if each.id not in members]


def _strays(old: str, others: list[Cluster], known: _Known, *, ours: bool) -> Iterable[Cluster]:
    """Those that are stopped and of this fleet, and not known to be left behind."""
    if not (ours or old in known.past):
        return []
    return [each for each in others if not is_active(each) and each.id not in known.left]


def place_of(state: FleetState, cluster: Cluster) -> str | None:
    """The place for which a cluster was rented, as its first cluster; None if unknown."""
    old = replaced(cluster)
    return next((one.origin for one in state.members if old in (one.cluster_id, *one.past)), None)


def stray(state: FleetState, cluster: Cluster, place: Member | None) -> RentElsewhere:
    """What a cluster costs that was rented for a place in the fleet, stopped, and does not have it."""
    if place is None:
        place = next((one for one in state.members if one.origin == place_of(state, cluster)), None)
    volume = None if place is None else place.volume_in_gb
    return left_behind(cluster, ResumePolicy(), volume, "Another cluster has its place.", active=False)


def replaced(cluster: Cluster) -> str | None:
    """What a cluster was rented in the place of; None where its token is of no fleet."""
    value = token_and_expiry.value_of(cluster.env, token_and_expiry.CLIENT_TOKEN) or ""
    return value.removeprefix(TOKENS) if value.startswith(TOKENS) else None


def _is_lost(member: Member, shown: Mapping[str, Cluster]) -> bool:
    seen = shown.get(member.cluster_id)
    return member.phase != "given_up" and (seen is None or not is_active(seen))


def kept(active: Collection[Cluster]) -> Cluster:
    """Which of several clusters with one token stays: all keepers of a fleet have to choose the same.

    It is the oldest, which may have worked for hours; of those rented at the same time, the first by id.
    """
    oldest = max(_uptime(each) for each in active)
    return min((each for each in active if _uptime(each) >= oldest - SAME_AGE), key=lambda each: each.id)


def _uptime(cluster: Cluster) -> int:
    return (cluster.runtime.uptime_in_seconds or 0) if cluster.runtime is not None else 0
