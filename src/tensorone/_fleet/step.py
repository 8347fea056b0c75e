"""Keeping a fleet of spot clusters running: the decision step, pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone._session.cluster_status import MISSES_UNTIL_GONE, STARTING

from .backoff import backoff
from .bookkeeping import left_after, may_be_committed, sent_after
from .events import (
    BudgetReached,
    Duplicated,
    GaveUp,
    Moved,
    Polled,
    Preempted,
    Recover,
    Recovered,
    RecoveryFailed,
    RecoverySucceeded,
    StatusUnknown,
)
from .member import MOST_PREDECESSORS

if TYPE_CHECKING:
    from .events import Action, HeldBy, Observation, Sighting
    from .member import Member, Phase
    from .state import FleetSettings, FleetState


_HOUR = Decimal(3600)


def step(
    state: FleetState, observation: Observation, now: float, settings: FleetSettings
) -> tuple[FleetState, tuple[Action, ...]]:
    """What follows from one observation.

    Save the new state before acting on the actions, and report the outcome of each `Recover` as an observation.

    Args:
        state: What was known.
        observation: What a poll or a recovery brought.
        now: Seconds; of a clock that goes on across a restart, where the state is saved.
        settings: The bounds.

    Returns:
        The new state; events to report, and clusters to recover now.
    """
    elapsed = Decimal(str(max(0.0, now - (now if state.at is None else state.at))))
    spent = state.spent + _rate(state.members, settings) * elapsed / _HOUR
    members, events = _observed(state.members, observation, now, settings)
    recoveries: tuple[Recover, ...] = ()
    held_by = state.held_by
    state = replace(state, sent=sent_after(state.sent, observation, now), left_behind=left_after(state, observation))
    if isinstance(observation, Polled):  # what a recovery brought begins none, and without a poll nothing is known
        members, recoveries, held_by = _started(members, spent, now, settings)
        recoveries = tuple(_checked_for_rentals(each, state, now, settings) for each in recoveries)
    if _used_up(spent, settings):  # also where a poll failed: time costs all the same
        held_by = "budget"
    elif held_by is None and any(member.limited for member in members):
        held_by = "max_hourly_spend"
    if held_by is not None and held_by != state.held_by:
        events = (*events, BudgetReached(now, held_by, spent, _rate(members, settings)))
    at = now if state.at is None else max(now, state.at)
    current = {member.cluster_id for member in members}
    left = tuple(each for each in state.left_behind if each.cluster.old_cluster_id not in current)
    state = replace(state, members=members, at=at, spent=spent, held_by=held_by, left_behind=left)
    return state, (*events, *recoveries)


def _observed(
    members: tuple[Member, ...], observation: Observation, now: float, settings: FleetSettings
) -> tuple[tuple[Member, ...], tuple[Action, ...]]:
    """The members after an observation, and the events to report."""
    if isinstance(observation, Polled):
        shown = {one.id: one for one in observation.clusters}
        results = [_seen(one, shown.get(one.cluster_id), observation.asked_at, now, settings) for one in members]
    elif isinstance(observation, RecoverySucceeded | RecoveryFailed):
        results = [_ended(one, observation, now, settings) for one in members]
    elif isinstance(observation, Duplicated):
        results = [_duplicated(one, observation, now) for one in members]
    else:
        return members, ()
    return tuple(member for member, _ in results), tuple(event for _, event in results if event)


def _seen(
    member: Member, sighting: Sighting | None, asked_at: float, now: float, settings: FleetSettings
) -> tuple[Member, Action | None]:
    """A member after a successful listing."""
    if sighting is not None and sighting.desired_status == "RUNNING":
        return _running(replace(member, misses=0), now, up=sighting.runtime is not None)
    if member.recovered_at is not None and asked_at < member.recovered_at + settings.settle_time:
        return member, None  # the listing may be older than the recovery
    if sighting is None:
        return _missing(replace(member, misses=member.misses + 1), now, settings)
    member, status = replace(member, misses=0), str.__str__(sighting.desired_status)
    if status not in ("EXITED", "TERMINATED"):
        return _unknown(member, status, now)
    return _stopped(replace(member, gone=status == "TERMINATED"), now, settings)


def _missing(member: Member, now: float, settings: FleetSettings) -> tuple[Member, Action | None]:
    """A member that a listing does not show."""
    if member.misses < MISSES_UNTIL_GONE:
        return member, None  # too early to say
    if member.phase != "new" or member.bid_per_gpu is not None:  # seen, or won by whoever knows its bid
        return _stopped(replace(member, gone=True), now, settings)
    why = f"The account has no cluster {member.cluster_id}, and this fleet never saw one: a mistyped id rents nothing."
    return replace(member, phase="given_up", gone=True), GaveUp(member.cluster_id, now, why)


def _stopped(member: Member, now: float, settings: FleetSettings) -> tuple[Member, Action | None]:
    """A member that does not run."""
    stopped = replace(member, billed=False, unknown_status=None)
    if member.phase in ("down", "recovering", "given_up"):
        return stopped, None
    event = Preempted(member.cluster_id, now, member.phase == "booting", member.gone)
    return _lost(stopped, now, settings), event


def _unknown(member: Member, status: str, now: float) -> tuple[Member, Action | None]:
    """A member with a status that says neither running nor stopped; reported once."""
    if status in STARTING or status == member.unknown_status:
        return member, None
    return replace(member, unknown_status=status), StatusUnknown(member.cluster_id, now, status)


def _running(member: Member, now: float, *, up: bool) -> tuple[Member, Action | None]:
    running = replace(member, billed=True, gone=False, unknown_status=None)
    if member.phase == "recovering":
        return running, None  # the outcome of its recovery reports it
    again = member.phase in ("down", "given_up")
    phase: Phase = "up" if up else "booting"
    running = replace(running, phase=phase, recovered_at=now if again else member.recovered_at)
    return running, Recovered(member.cluster_id, now, member.bid_per_gpu) if again else None


def _lost(member: Member, now: float, settings: FleetSettings) -> Member:
    stable = member.recovered_at is None or now - member.recovered_at >= settings.stable_after
    strikes = 0 if stable else member.strikes + 1
    lost = replace(member, phase="down", strikes=strikes, retry_at=now + backoff(strikes, settings))
    return replace(lost, waiting_since=None, limited=False)


def _ended(
    member: Member, outcome: RecoverySucceeded | RecoveryFailed, now: float, settings: FleetSettings
) -> tuple[Member, Action | None]:
    """A member after a recovery, perhaps its own."""
    if member.phase != "recovering" or member.cluster_id != outcome.cluster_id:
        return member, None
    if isinstance(outcome, RecoverySucceeded):
        return _recovered(member, outcome, now)
    failed = _failed(member, outcome, now, settings)
    if not outcome.final:
        return failed, None
    return replace(failed, phase="given_up", limited=False), GaveUp(member.cluster_id, now, outcome.reason)


def _failed(member: Member, outcome: RecoveryFailed, now: float, settings: FleetSettings) -> Member:
    """A member that is down still: what was refused backs off, and where there was nothing to bid the polls go on."""
    strikes = member.strikes + 1 if outcome.tried else member.strikes
    wait = backoff(strikes, settings) if outcome.tried else settings.recheck
    failed = replace(member, phase="down", strikes=strikes, limited=outcome.limited)
    if outcome.waits is None:
        return replace(failed, retry_at=now + wait)
    since = now if member.waiting_since is None else member.waiting_since
    return replace(failed, retry_at=now + min(wait, outcome.waits), waiting_since=since)


def _recovered(member: Member, outcome: RecoverySucceeded, now: float) -> tuple[Member, Action]:
    new, bid = outcome.new_cluster_id, outcome.bid_per_gpu
    paid = Decimal(0) if outcome.without_gpus else bid
    running = replace(_at(member, new, now), gpu_type_id=outcome.gpu_type_id, bid_per_gpu=paid)
    if new == member.cluster_id:
        return running, Recovered(new, now, bid, outcome.without_gpus)
    if not outcome.running:
        running = replace(running, phase="down", billed=False, retry_at=now)
    return running, Moved(member.cluster_id, new, now, bid, outcome.left_behind)


def _duplicated(member: Member, found: Duplicated, now: float) -> tuple[Member, Action | None]:
    if member.cluster_id != found.cluster_id:
        return member, None
    kept = replace(_at(member, found.kept_id, now), bid_per_gpu=None)
    return kept, Moved(found.cluster_id, found.kept_id, now, None)


def _at(member: Member, cluster_id: str, now: float) -> Member:
    """A member that was recovered, perhaps as another cluster."""
    past = member.past
    if cluster_id != member.cluster_id:
        past = (*(each for each in past if each != cluster_id), member.cluster_id)[-MOST_PREDECESSORS:]
    running = replace(member, cluster_id=cluster_id, past=past, phase="booting", billed=True, gone=False, misses=0)
    running = replace(running, waiting_since=None, limited=False, unknown_status=None)
    return replace(running, recovered_at=now, recoveries=member.recoveries + 1)


def _started(
    members: tuple[Member, ...], spent: Decimal, now: float, settings: FleetSettings
) -> tuple[tuple[Member, ...], tuple[Recover, ...], HeldBy | None]:
    """The recoveries to begin now, those that are due for longest first, and the limit that holds others back."""
    if _used_up(spent, settings):
        return members, (), "budget"
    current, recoveries = list(members), list[Recover]()
    held_by: HeldBy | None = None
    running, reserved, limit = _rate(members, settings), _reserved(members, settings), settings.max_hourly_spend
    due = [place for place, one in enumerate(members) if one.phase == "down" and one.retry_at <= now]
    for place in sorted(due, key=lambda place: members[place].retry_at):
        member = members[place]
        more = member.gpu_count * Decimal(settings.ceiling)
        if limit is not None and running + more > limit:
            held_by = "max_hourly_spend"
        elif limit is None or reserved + more <= limit:  # otherwise there may be room when those under way have ended
            current[place], reserved = replace(member, phase="recovering"), reserved + more
            recoveries.append(_order(member, now))
    return tuple(current), tuple(recoveries), held_by


def _checked_for_rentals(order: Recover, state: FleetState, now: float, settings: FleetSettings) -> Recover:
    return replace(order, unsettled=may_be_committed(state.sent, order.cluster_id, now, settings.settle_time))


def _used_up(spent: Decimal, settings: FleetSettings) -> bool:
    return settings.budget is not None and spent >= settings.budget


def _order(member: Member, now: float) -> Recover:
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


def own_bids(state: FleetState, gpu_type_id: str) -> tuple[Decimal, ...]:
    """What the fleet's running clusters of a GPU type are billed, US dollars per GPU and hour, where that is known."""
    return tuple(
        one.bid_per_gpu
        for one in state.members
        if one.billed and one.gpu_type_id == gpu_type_id and one.bid_per_gpu is not None
    )


def _rate(members: tuple[Member, ...], settings: FleetSettings) -> Decimal:
    """US dollars per hour of what runs."""
    bids = (_bid(one, settings) * one.gpu_count for one in members if one.billed)
    return sum(bids, Decimal(0))


def _reserved(members: tuple[Member, ...], settings: FleetSettings) -> Decimal:
    """US dollars per hour of what runs, and of what is being recovered at the highest bid it may make."""
    recovering = [replace(one, billed=True, bid_per_gpu=None) for one in members if one.phase == "recovering"]
    others = [one for one in members if one.phase != "recovering"]
    return _rate((*others, *recovering), settings)


def _bid(member: Member, settings: FleetSettings) -> Decimal:
    return Decimal(settings.ceiling) if member.bid_per_gpu is None else member.bid_per_gpu
