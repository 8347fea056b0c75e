"""What the workflow of a shard decides, beyond `step`: who leaves, what is reported, when it is over. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone.fleet import (
    End,
    Recover,
    RecoverySucceeded,
    RentalSent,
    step,
)

from ._lookout import merged
from ._values import FleetStatus, Shard, Told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tensorone.fleet import FleetSpec, Intent, Look, Member, Order, PollFailed

    from ._values import Bids, Event, How, Outcome

MOST_TOLD = 300  # events that are kept for readers
MOST_PAST = 3  # predecessors that a member takes along
SENDING = 15.0  # seconds after an intent in which a round may send


def begun(fleet: FleetSpec, clusters: Mapping[str, str] | None = None) -> Shard:
    """A shard to begin with; see `FleetSpec.start`."""
    return Shard(fleet=fleet, state=fleet.start(clusters))


def slot_of(member: Member, fleet: FleetSpec) -> str:
    """The slot that a member has."""
    return member.origin.removeprefix(f"{fleet.name}--")


def reshaped(shard: Shard, fleet: FleetSpec, *, busy: Collection[str], now: float) -> Shard:
    """The shard when its fleet is to be another one: new slots are to be filled, and clusters of the others leave.

    Args:
        shard: As it is.
        fleet: What it is to be.
        busy: Clusters with a round under way.
        now: Seconds since 1970.
    """
    if shard.ending is not None:
        return shard
    leave = [one.cluster_id for one in shard.state.members if slot_of(one, fleet) not in fleet.slots]
    # What leaves is in `leaving`, with its time and the way in which it ends, and not left behind.
    state = replace(fleet.reshaped(shard.state), left_behind=shard.state.left_behind)
    leaving = {**shard.leaving, **{each: _until(each, shard, busy, now) for each in leave}}
    return replace(shard, fleet=fleet, state=state, leaving=leaving)


def ending(shard: Shard, how: How, *, busy: Collection[str], now: float) -> Shard:
    """The shard when all its clusters are to be ended."""
    shard = reshaped(shard, replace(shard.fleet, slots={}), busy=busy, now=now)
    return replace(shard, ending=how)


def _until(cluster_id: str, shard: Shard, busy: Collection[str], now: float) -> float:
    """Until when something that was sent may appear: a listing lags, and a rental may be committed late."""
    sent = cluster_id in busy or shard.state.sent_before(cluster_id) is not None
    return now + shard.fleet.settle_time + (SENDING if sent else 0.0)


def observed(
    shard: Shard, observation: Look | PollFailed | Outcome, now: float
) -> tuple[Shard, list[Recover], list[End]]:
    """What follows from an observation."""
    if isinstance(observation, RecoverySucceeded) and shard.state.members.find(observation.cluster_id) is None:
        shard = _leaving(shard, [observation.new_cluster_id], now)  # its slot went while the round was under way
    state, actions = step(shard.state, observation, now, shard.fleet.settings)
    shard = _telling(replace(shard, state=state), [each for each in actions if not isinstance(each, Recover | End)])
    recoveries = [each for each in actions if isinstance(each, Recover)]
    return shard, recoveries, [each for each in actions if isinstance(each, End)]


def looked(shard: Shard, look: Look, now: float) -> tuple[Shard, list[Recover], list[End]]:
    """What follows from a look: of what leaves, `step` sees nothing."""
    known = set(shard.leaving)
    while found := {each.id for each in look.seen if each.of in known} - known - {*shard.state.cluster_ids}:
        known |= found
    how: How = shard.ending or "terminate"
    running = [each.id for each in look.seen if each.id in known and not _is_over(each.status, how)]
    if how == "terminate":
        running += [each for each in look.stopped if each in known]
    ends = [End(each, how, "Its slot is no longer asked for.") for each in running]
    rest = replace(
        look,
        seen=tuple(each for each in look.seen if each.id not in known),
        stopped=tuple(each for each in look.stopped if each not in known),
        missing=tuple(each for each in look.missing if each not in known),
    )
    over = {each for each, until in shard.leaving.items() if each not in running and until < look.at}
    if shard.ending == "stop" and over < shard.leaving.keys():
        over.clear()  # what is stopped is known until all is: to `step` it would be left behind, which may end it
    shard = _leaving(shard, known - over, now)
    shard = replace(shard, leaving={each: until for each, until in shard.leaving.items() if each not in over})
    shard, recoveries, more = observed(replace(shard, looked_at=look.at), rest, now)
    return _untroubled(shard), recoveries, [*ends, *more]


def troubled(shard: Shard, words: str, now: float) -> Shard:
    """The shard when a round or an end failed in a way that needs a person."""
    return replace(shard, trouble=words, troubled_at=now)


def _untroubled(shard: Shard) -> Shard:
    """The shard after a look: trouble of a round stays until the round was repeated, or none is due."""
    lasts = shard.fleet.backoff_max + 2 * shard.fleet.every
    waits = any(one.phase in ("down", "recovering") for one in shard.state.members)
    if waits and shard.troubled_at is not None and (shard.looked_at or 0.0) < shard.troubled_at + lasts:
        return shard
    return replace(shard, trouble=None, troubled_at=None)


def _is_over(status: str, how: How) -> bool:
    return status == "TERMINATED" or (how == "stop" and status == "EXITED")


def _leaving(shard: Shard, cluster_ids: Iterable[str], now: float) -> Shard:
    new = {each: now + shard.fleet.settle_time for each in sorted(cluster_ids) if each not in shard.leaving}
    return replace(shard, leaving={**shard.leaving, **new})


def sending(shard: Shard, order: Order, name: str, now: float) -> tuple[Shard, Intent, bool]:
    """Writes down that a round begins. With the intent, and whether it is one of its own.

    Args:
        shard: As it is.
        order: What the round is for.
        name: Names the round; no other one has this name.
        now: Seconds since 1970.
    """
    intent = shard.fleet.intent_of(order, shard.state, by=name, now=now)
    sent = RentalSent(order.recover.cluster_id, intent.by)
    state, _ = step(shard.state, sent, intent.begun_at, shard.fleet.settings)
    return replace(shard, state=state), intent, intent.by == name


def knowing(shard: Shard, bids: Bids | None) -> Shard:
    """The shard when the bids of the account's others were told; as it is where nobody knows them now."""
    return shard if bids is None else replace(shard, other_bids=bids)


def bids_for(shard: Shard, order: Order) -> Bids:
    """The bids that an order must not outbid: they hold clusters of the account."""
    types = {name for name, _ in order.pairs}
    both = merged((shard.state.own_bids, shard.other_bids))
    return {name: amounts for name, amounts in both.items() if name in types}


def _telling(shard: Shard, events: list[Event]) -> Shard:
    told = (Told(shard.count + place, event) for place, event in enumerate(events, 1))
    return replace(shard, told=(*shard.told, *told)[-MOST_TOLD:], count=shard.count + len(events))


def is_idle(shard: Shard) -> bool:
    """Whether there is nothing to look at."""
    kept = shard.fleet.left_behind == "keep"
    return not shard.state.members and not shard.leaving and (kept or not shard.state.left_behind)


def waits(shard: Shard) -> bool:
    """Whether a cluster is to be recovered, so that the next look should not wait for its time."""
    return any(one.phase == "down" for one in shard.state.members)


def still_asked(shard: Shard, orders: Iterable[Recover]) -> list[Recover]:
    """Those orders whose slots the fleet still has."""
    return [each for each in orders if shard.state.members.find(each.cluster_id) is not None]


def other_ids(shard: Shard) -> tuple[str, ...]:
    """Clusters that a look has to tell about besides the members."""
    return tuple(dict.fromkeys((*shard.state.other_ids, *shard.leaving)))


def packed(shard: Shard) -> Shard:
    """The shard as it continues as new: without what only a longer run could need.

    What was rented within an hour is in `sent`, so that of its predecessors a member needs the latest ones alone. Of
    what came to an end, who sent it and in which part of a second does not matter any more; nor does why a cluster was
    left behind, and on which machine, which was told when it was.
    """
    state = shard.state
    members = (replace(one, past=one.past[-MOST_PAST:]) for one in state.members)
    sent = (replace(one, by="", at=float(math.ceil(one.at))) if one.settled else one for one in state.sent)
    left = (replace(one, cluster=replace(one.cluster, reason="", old_machine_id=None)) for one in state.left_behind)
    state = replace(
        state,
        members=type(state.members)(members),
        sent=type(state.sent)(sent),
        left_behind=type(state.left_behind)(left),
    )
    return replace(shard, state=state)


def resumed(shard: Shard) -> Shard:
    """The shard when a run of its workflow begins, in which nothing is under way."""
    return replace(shard, state=shard.state.interrupted())


def status_of(shard: Shard) -> FleetStatus:
    """How the shard is."""
    members = list(shard.state.members)
    phases: list[str] = [one.phase for one in members]
    empty = {one.cluster_id for one in shard.fleet.start().members}
    counted = {"running": ("up",), "booting": ("booting",), "down": ("new", "down", "recovering")}
    given: dict[str, int] = {name: sum(map(phases.count, which)) for name, which in counted.items()}
    return FleetStatus(
        asked=len(members),
        **given,
        given_up=phases.count("given_up"),
        leaving=len(shard.leaving),
        left_behind=len(shard.state.left_behind),
        spent=shard.state.spent,
        rate=shard.state.members.rate(Decimal(shard.fleet.settings.ceiling)),
        clusters={slot_of(one, shard.fleet): one.cluster_id for one in members if one.cluster_id not in empty},
        looked_at=shard.looked_at,
        trouble=shard.trouble,
    )
