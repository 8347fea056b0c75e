"""Keeping a fleet of spot clusters running: the decision step, pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from tensorone._session.cluster_status import MISSES_UNTIL_GONE, STARTING

from .bookkeeping import checked_for_rentals, ends, left_after, order_for, sent_after, without_current
from .events import BidMade, BudgetReached, End, GaveUp, Moved, Preempted, Recover, Recovered, StatusUnknown
from .look import Look, checked, sighted
from .member import MOST_PREDECESSORS, Members, backoff
from .observations import Duplicated, Pending, Polled, RecoveryFailed, RecoverySucceeded, Strayed
from .replacements import stray, surplus

if TYPE_CHECKING:
    from .events import Action, HeldBy
    from .member import Member, Phase
    from .observations import Observation, Outcome, Sighting
    from .state import FleetSettings, FleetState


__all__ = ["step"]

_HOUR = Decimal(3600)


def step(
    state: FleetState, observation: Look | Observation, now: float, settings: FleetSettings
) -> tuple[FleetState, tuple[Action, ...]]:
    """What follows from one observation.

    Save the new state before acting on the actions, and report the outcome of each `Recover` as an observation.

    Args:
        state: What was known.
        observation: What a look or a round brought: a `Look`, or `PollFailed` where it failed; a `RecoverySucceeded`,
            `RecoveryFailed` or `Pending`; and `RentalSent` before a round begins.
        now: Seconds; of a clock that goes on across a restart, where the state is saved. Since 1970, where looks and
            rounds are those of ``client.fleet``.
        settings: The bounds.

    Returns:
        The new state; events to report, clusters to recover now, and clusters to end.

    Raises:
        InvalidArgument: The observation is none, or `now` is no finite number.
    """
    observation = checked(observation, now)
    if isinstance(observation, Look):
        return _looked(state, observation, now, settings)
    return _stepped(state, observation, now, settings)


def _looked(
    state: FleetState, look: Look, now: float, settings: FleetSettings
) -> tuple[FleetState, tuple[Action, ...]]:
    """A look says how the members are, and what there is beside them."""
    shown = sighted(look)
    found = surplus(state, shown, now)
    stopped = frozenset(look.stopped)
    past = {each: one for one in state.members for each in one.past if each in stopped}
    forgotten = [shown[each] for each in past if state.left_behind.find(each) is None]
    strays = (Strayed(stray(state, each, past.get(each.id))) for each in (*found.stopped, *forgotten))
    told = {*shown, *look.missing}
    watched = (*state.cluster_ids, *(one.key for one in state.left_behind))
    unasked = frozenset(each for each in watched if each not in told)
    actions: list[Action] = []
    polled = Polled(shown.values(), look.at, unasked)
    observations: tuple[Observation, ...] = (*found.duplicated, *strays, polled)
    for each in observations:
        state, more = _stepped(state, each, now, settings)
        actions += more
    surplus_ends = (End(each.id, "terminate", "Another cluster has its place.") for each in found.running)
    return state, (*actions, *surplus_ends, *ends(state, shown, now, settings))


def _stepped(
    state: FleetState, observation: Observation, now: float, settings: FleetSettings
) -> tuple[FleetState, tuple[Action, ...]]:
    elapsed = Decimal(str(max(0.0, now - (now if state.at is None else state.at))))
    spent = state.spent + state.members.rate(Decimal(settings.ceiling)) * elapsed / _HOUR
    members, events = _observed(state.members, observation, now, settings)
    recoveries: tuple[Recover, ...] = ()
    held_by = state.held_by
    state = replace(state, sent=sent_after(state.sent, observation, now), left_behind=left_after(state, observation))
    if isinstance(observation, Polled):  # what a recovery brought begins none, and without a poll nothing is known
        members, recoveries, held_by = _started(members, spent, now, settings)
        recoveries = tuple(checked_for_rentals(each, state.sent, now, settings) for each in recoveries)
    if _used_up(spent, settings):  # also where a poll failed: time costs all the same
        held_by = "budget"
    elif held_by is None and members.totals.limited:
        held_by = "max_hourly_spend"
    if held_by is not None and held_by != state.held_by:
        events = (*events, BudgetReached(now, held_by, spent, members.rate(Decimal(settings.ceiling))))
    at = now if state.at is None else max(now, state.at)
    left = without_current(state.left_behind, observation, members)
    state = replace(state, members=members, at=at, spent=spent, held_by=held_by, left_behind=left)
    return state, (*events, *recoveries)


def _observed(
    members: Members, observation: Observation, now: float, settings: FleetSettings
) -> tuple[Members, tuple[Action, ...]]:
    """The members after an observation, and the events to report."""
    if isinstance(observation, Polled):
        shown, unasked, at = {one.id: one for one in observation.clusters}, observation.unasked, observation.asked_at
        results = [
            (one, None) if one.key in unasked else _seen(one, shown.get(one.key), at, now, settings) for one in members
        ]
        events = tuple(event for _, event in results if event)
        if all(new is one for one, (new, _) in zip(members, results, strict=True)):
            return members, events
        return Members(one for one, _ in results), events
    if not isinstance(observation, RecoverySucceeded | RecoveryFailed | Pending | Duplicated):
        return members, ()
    bids = () if isinstance(observation, Duplicated) else observation.bids
    made = tuple(BidMade(observation.cluster_id, now, bid, answer) for bid, answer in bids)
    if (place := members.find(observation.cluster_id)) is None:
        return members, made
    before = members[place]  # of all members only this one is looked at, and replaced
    if isinstance(observation, Duplicated):
        member, event = _duplicated(before, observation, now)
    else:
        member, event = _ended(before, observation, now, settings)
    events = made if event is None else (*made, event)
    return members if member is before else members.with_row(place, member), events


def _seen(
    member: Member, sighting: Sighting | None, asked_at: float, now: float, settings: FleetSettings
) -> tuple[Member, Action | None]:
    """A member after a successful listing; the same object where nothing is new, which most looks say of most."""
    status = None if sighting is None else str.__str__(sighting.desired_status)
    if sighting is not None and status == "RUNNING":
        return _running(member, now, up=sighting.runtime is not None)
    if _may_be_old(member, status, asked_at, settings):
        return member, None
    if status is None:
        return _missing(replace(member, misses=member.misses + 1), now, settings)
    if status not in ("EXITED", "TERMINATED"):
        return _unknown(replace(member, misses=0), status, now)
    return _stopped(member, now, settings, gone=status == "TERMINATED", misses=0)


def _may_be_old(member: Member, status: str | None, asked_at: float, settings: FleetSettings) -> bool:
    """Whether a listing may show a member as it was before its recovery: until one has shown it running."""
    if member.stale is None or member.stale != (status or "MISSING"):
        return False
    return member.recovered_at is not None and asked_at < member.recovered_at + settings.settle_time


def _missing(member: Member, now: float, settings: FleetSettings) -> tuple[Member, Action | None]:
    """A member that a listing does not show."""
    if member.misses < MISSES_UNTIL_GONE:
        return member, None  # too early to say
    if member.phase != "new" or member.bid_per_gpu is not None:  # seen, or won by whoever knows its bid
        return _stopped(member, now, settings, gone=True, misses=member.misses)
    why = f"The account has no cluster {member.cluster_id}, and this fleet never saw one: a mistyped id rents nothing."
    return replace(member, phase="given_up", gone=True), GaveUp(member.cluster_id, now, why)


def _stopped(
    member: Member, now: float, settings: FleetSettings, *, gone: bool, misses: int
) -> tuple[Member, Action | None]:
    """A member that does not run."""
    if member.phase in ("down", "recovering", "given_up"):
        if not member.billed and (member.gone, member.misses, member.unknown_status) == (gone, misses, None):
            return member, None
        return replace(member, billed=False, gone=gone, misses=misses, unknown_status=None), None
    event = Preempted(member.cluster_id, now, member.phase == "booting", gone)
    stable = member.recovered_at is None or now - member.recovered_at >= settings.stable_after
    strikes = 0 if stable else member.strikes + 1
    lost = replace(
        member,
        phase="down",
        billed=False,
        gone=gone,
        misses=misses,
        unknown_status=None,
        strikes=strikes,
        retry_at=now + backoff(strikes, settings),
        waiting_since=None,
        limited=False,
    )
    return lost, event


def _unknown(member: Member, status: str, now: float) -> tuple[Member, Action | None]:
    """A member with a status that says neither running nor stopped; reported once."""
    if status in STARTING or status == member.unknown_status:
        return member, None
    return replace(member, unknown_status=status), StatusUnknown(member.cluster_id, now, status)


def _running(member: Member, now: float, *, up: bool) -> tuple[Member, Action | None]:
    phase: Phase = "up" if up else "booting"
    if member.phase == phase and _is_settled(member):
        return member, None
    running = replace(member, misses=0, billed=True, gone=False, unknown_status=None, stale=None)
    if member.phase == "recovering":
        return running, None  # the outcome of its recovery reports it
    again = member.phase in ("down", "given_up")
    running = replace(running, phase=phase, recovered_at=now if again else member.recovered_at)
    return running, Recovered(member.cluster_id, now, member.bid_per_gpu) if again else None


def _is_settled(member: Member) -> bool:
    """Whether a listing that shows it running says nothing new."""
    return member.billed and not (member.misses or member.gone or member.unknown_status or member.stale)


def _ended(member: Member, outcome: Outcome, now: float, settings: FleetSettings) -> tuple[Member, Action | None]:
    """A member after its recovery, if it is being recovered."""
    if member.phase != "recovering":
        return member, None
    if isinstance(outcome, RecoverySucceeded):
        return _recovered(member, outcome, now)
    if isinstance(outcome, Pending):
        until = now + settings.recheck if outcome.until is None else outcome.until
        return replace(member, phase="down", retry_at=until, limited=False), None
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
    kept = replace(_at(member, found.kept_id, now), bid_per_gpu=None)
    return kept, Moved(found.cluster_id, found.kept_id, now, None)


def _at(member: Member, cluster_id: str, now: float) -> Member:
    """A member that was recovered, perhaps as another cluster."""
    past = member.past
    if cluster_id != member.cluster_id:
        past = (*(each for each in past if each != cluster_id), member.cluster_id)[-MOST_PREDECESSORS:]
    stale: Literal["EXITED", "MISSING"] = "EXITED" if cluster_id == member.cluster_id else "MISSING"
    running = replace(member, cluster_id=cluster_id, past=past, phase="booting", billed=True, gone=False, misses=0)
    running = replace(running, waiting_since=None, limited=False, unknown_status=None)
    return replace(running, recovered_at=now, stale=stale, recoveries=member.recoveries + 1)


def _started(
    members: Members, spent: Decimal, now: float, settings: FleetSettings
) -> tuple[Members, tuple[Recover, ...], HeldBy | None]:
    """The recoveries to begin now, those that are due for longest first, and the limit that holds others back."""
    if _used_up(spent, settings):
        return members, (), "budget"
    begun: dict[int, Member] = {}
    held_by: HeldBy | None = None
    ceiling = Decimal(settings.ceiling)
    running, reserved, limit = members.rate(ceiling), members.reserved(ceiling), settings.max_hourly_spend
    due = [place for place, one in enumerate(members) if one.phase == "down" and one.retry_at <= now]
    for place in sorted(due, key=lambda place: members[place].retry_at):
        member = members[place]
        more = member.gpu_count * ceiling
        if limit is not None and running + more > limit:
            held_by = "max_hourly_spend"
        elif limit is None or reserved + more <= limit:  # otherwise there may be room when those under way have ended
            begun[place], reserved = replace(member, phase="recovering"), reserved + more
    recoveries = tuple(order_for(members[place], now) for place in begun)
    return members.with_rows(begun), recoveries, held_by


def _used_up(spent: Decimal, settings: FleetSettings) -> bool:
    return settings.budget is not None and spent >= settings.budget
