"""Keeping a fleet of spot clusters running: the decision step, pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from ._fleet_events import (
    BudgetReached,
    GaveUp,
    Moved,
    Polled,
    PollFailed,
    Preempted,
    Recover,
    Recovered,
    RecoveryFailed,
    RecoverySucceeded,
)
from ._fleet_state import FleetState

if TYPE_CHECKING:
    from ._fleet_events import Action, Limit, Observation, Sighting
    from ._fleet_state import FleetSettings, Member, Phase

MISSES = 2  # successful listings in a row without a cluster: a single one is no proof that it is gone
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
        The new state; events to tell, and clusters to recover now.
    """
    elapsed = Decimal(str(max(0.0, now - (now if state.at is None else state.at))))
    spent = state.spent + _rate(state.members, settings) * elapsed / _HOUR
    members, events = _observed(state.members, observation, now, settings)
    members, recoveries, held_by = _started(members, spent, now, settings)
    if held_by is not None and held_by != state.held_by:
        events = (*events, BudgetReached(now, held_by, spent, _rate(members, settings)))
    at = now if state.at is None else max(now, state.at)
    return FleetState(members=members, at=at, spent=spent, held_by=held_by), (*events, *recoveries)


def backoff(strikes: int, settings: FleetSettings) -> float:
    """Seconds to wait before a recovery after so many in a row that failed or did not last."""
    if strikes == 0:
        return 0.0
    return min(settings.backoff_max, settings.backoff_initial * 2.0 ** min(strikes - 1, 60))


def _observed(
    members: tuple[Member, ...], observation: Observation, now: float, settings: FleetSettings
) -> tuple[tuple[Member, ...], tuple[Action, ...]]:
    """The members after an observation, and what is to be told of it."""
    if isinstance(observation, PollFailed):
        return members, ()
    if isinstance(observation, Polled):
        shown = {one.id: one for one in observation.clusters}
        results = [_seen(one, shown.get(one.cluster_id), observation.asked_at, now, settings) for one in members]
    else:
        results = [_ended(one, observation, now, settings) for one in members]
    return tuple(member for member, _ in results), tuple(event for _, event in results if event)


def _seen(
    member: Member, sighting: Sighting | None, asked_at: float, now: float, settings: FleetSettings
) -> tuple[Member, Action | None]:
    """A member after a successful listing."""
    if sighting is not None and sighting.desired_status == "RUNNING":
        return _running(replace(member, misses=0), now, up=sighting.runtime is not None)
    if member.recovered_at is not None and asked_at < member.recovered_at + settings.settle_time:
        return member, None  # the listing may be older than the recovery
    misses = 0 if sighting else member.misses + 1
    member = replace(member, misses=misses)
    gone = misses >= MISSES if sighting is None else sighting.desired_status == "TERMINATED"
    if not gone and (sighting is None or sighting.desired_status != "EXITED"):
        return member, None  # unknown, or too early to say
    stopped = replace(member, billed=False, gone=gone)
    if member.phase in ("down", "recovering", "given_up"):
        return stopped, None
    return _lost(stopped, now, settings), Preempted(member.cluster_id, now, member.phase == "booting", gone)


def _running(member: Member, now: float, *, up: bool) -> tuple[Member, Action | None]:
    running = replace(member, billed=True, gone=False)
    if member.phase == "recovering":
        return running, None  # whoever recovers it will tell
    again = member.phase in ("down", "given_up")
    phase: Phase = "up" if up else "booting"
    running = replace(running, phase=phase, recovered_at=now if again else member.recovered_at)
    return running, Recovered(member.cluster_id, now, member.bid_per_gpu) if again else None


def _lost(member: Member, now: float, settings: FleetSettings) -> Member:
    stable = member.recovered_at is None or now - member.recovered_at >= settings.stable_after
    strikes = 0 if stable else member.strikes + 1
    return replace(member, phase="down", strikes=strikes, retry_at=now + backoff(strikes, settings))


def _ended(
    member: Member, outcome: RecoverySucceeded | RecoveryFailed, now: float, settings: FleetSettings
) -> tuple[Member, Action | None]:
    """A member after a recovery, perhaps its own."""
    if member.phase != "recovering" or member.cluster_id != outcome.cluster_id:
        return member, None
    if isinstance(outcome, RecoverySucceeded):
        return _recovered(member, outcome, now)
    strikes = member.strikes + 1
    failed = replace(member, phase="down", strikes=strikes, retry_at=now + backoff(strikes, settings))
    if not outcome.final:
        return failed, None
    return replace(failed, phase="given_up"), GaveUp(member.cluster_id, now, outcome.reason)


def _recovered(member: Member, outcome: RecoverySucceeded, now: float) -> tuple[Member, Action]:
    new, bid = outcome.new_cluster_id, outcome.bid_per_gpu
    running = replace(member, cluster_id=new, bid_per_gpu=bid, phase="booting", billed=True, gone=False, misses=0)
    running = replace(running, recovered_at=now, recoveries=member.recoveries + 1)
    if new == member.cluster_id:
        return running, Recovered(new, now, bid)
    return running, Moved(member.cluster_id, new, now, bid)


def _started(
    members: tuple[Member, ...], spent: Decimal, now: float, settings: FleetSettings
) -> tuple[tuple[Member, ...], tuple[Recover, ...], Limit | None]:
    """The recoveries to begin now, and the limit that stands against further ones."""
    if settings.budget is not None and spent >= settings.budget:
        return members, (), "budget"
    current, recoveries = list(members), list[Recover]()
    held_by: Limit | None = None
    rate, free = _reserved(members, settings), settings.width - sum(one.phase == "recovering" for one in members)
    for place, member in enumerate(members):
        if member.phase != "down" or member.retry_at > now:
            continue
        more = member.gpu_count * Decimal(settings.ceiling)
        if settings.max_hourly_spend is not None and rate + more > settings.max_hourly_spend:
            held_by = "max_hourly_spend"
        elif free > 0:
            current[place], rate, free = replace(member, phase="recovering"), rate + more, free - 1
            recoveries.append(Recover(member.cluster_id, member.gone, member.recoveries, member.origin))
    return tuple(current), tuple(recoveries), held_by


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
