"""What touches the network for a fleet: one look, one round, one end. Each is short, and may be repeated."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import anyio

from tensorone import _checks
from tensorone._clusters import end as ending
from tensorone._concurrency.single_flight import Fetched
from tensorone._errors import (
    AuthenticationError,
    ClusterNotFound,
    ConfigurationError,
    InvalidArgument,
    OutcomeUnknown,
    TensorOneError,
)
from tensorone._events.spans import traced
from tensorone._graphql import calls
from tensorone._market.own_bids import checked_own_bids
from tensorone._market.shared_prices import Market, market_prices
from tensorone._session.cluster_status import is_active

from .look import Look, digest
from .observations import Pending, RecoveryFailed, RecoverySucceeded
from .recoveries import Recoveries, after, bids_of
from .replacements import is_seat
from .spec import ROUND_SECONDS, FleetSpec, Intent, Order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from decimal import Decimal

    from tensorone._generated import Cluster
    from tensorone._market.quotes import SpotQuote
    from tensorone._market.shared_prices import MarketPrices
    from tensorone._session.session import Session

    from .observations import Outcome

MOST_MARKETS = 50  # whose prices are kept: one for each fleet of other GPU types

LOOK_AGAIN = 1.0  # seconds after a look that failed, where nothing may be sent without one


class Markets:
    """The prices that the looks and rounds of one client asked for last, by what they are of."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._flights: dict[frozenset[tuple[str, int]], MarketPrices] = {}

    def of(self, pairs: frozenset[tuple[str, int]]) -> MarketPrices:
        """What asks for these."""
        if pairs not in self._flights and len(self._flights) >= MOST_MARKETS:
            self._flights.clear()
        return self._flights.setdefault(pairs, market_prices(self._session, pairs))

    async def quotes(self, fleet: FleetSpec, since: float) -> tuple[SpotQuote, ...]:
        """A fleet's prices, asked for at a time of anyio's clock or later; none where they cannot be read.

        The members were read, and a round asks again.
        """
        try:
            return tuple((await self.of(fleet.pairs).since(since)).value.values())
        except TensorOneError:
            return ()


@traced("fleet.look")
async def look(  # noqa: PLR0913 - what `client.fleet.look` is given
    session: Session,
    markets: Markets,
    fleet: FleetSpec,
    members: Iterable[str],
    *,
    others: Iterable[str],
    max_age: float,
) -> Look:
    """One listing, and the prices where a member is not up.

    Raises:
        TensorOneError: The listing failed.
    """
    _checks.instance("fleet", fleet, FleetSpec, "FleetSpec")
    asked, besides = _checks.cluster_ids(members, "members"), _checks.cluster_ids(others, "others")
    since = (begun := anyio.current_time()) - _checks.seconds("max_age", max_age, zero=True)
    now = session.now()
    with calls.named("fleet.look"):
        listed = await session.listing.since(since)
    found = digest(listed.value, asked, besides, at=now - max(0.0, begun - listed.asked_at))
    stopped = {each.id for each in found.seen if not is_active(listed.value[each.id])} | {*found.missing}
    if stopped.isdisjoint(asked):
        return found
    return replace(found, quotes=await markets.quotes(fleet, since))


@traced("fleet.round")
async def take_turn(  # noqa: PLR0913 - what `client.fleet.round` is given
    session: Session,
    markets: Markets,
    order: Order,
    *,
    look: Look,
    own_bids: Mapping[str, Iterable[Decimal | float]] | None,
    intent: Intent | None,
) -> Outcome:
    """One round; see `client.fleet.round`."""
    _checks.instance("order", order, Order, "Order")
    _checks.instance("look", look, Look, "Look")
    own, now = checked_own_bids(own_bids), session.now()
    if intent is not None:
        _checked(intent, order)
    left = ROUND_SECONDS if intent is None else ROUND_SECONDS - max(0.0, now - intent.begun_at)
    settled_at, mine = session.unsettled.get(order.token, -session.settle_time) + session.settle_time, True
    if intent is not None and (intent.by != session.by or left <= 0):  # whoever finds it counts on nothing new by it
        settled_at, mine = max(settled_at, intent.begun_at + ROUND_SECONDS + session.settle_time), False
    held = not mine or now < settled_at
    order = replace(order, recover=replace(order.recover, unsettled=held))
    seen = [each for each in look.quotes if (each.gpu_type_id, each.gpu_count) in order.pairs]
    age = max(0.0, now - look.at)
    known: Fetched[Collection[SpotQuote]] = Fetched(anyio.current_time() - age, seen)
    unsent = mine and intent is not None and intent.settled and order.token not in session.unsettled
    if unsent:
        session.unsettled[order.token] = now  # another call with this intent looks for what this one sends
    market = Market(session, order.pairs, known, flight=markets.of(order.pairs))
    turn = _Turn(session, order, own, market, unsent=unsent)
    with calls.named("fleet.round"):
        believed = look if not settled_at and age <= order.every else None
        outcome = await turn.take(believed, max_age=0.0 if settled_at else order.every, within=left)
    if not isinstance(outcome, Pending) or outcome.until is not None:
        return outcome
    if now < settled_at:
        return replace(outcome, until=settled_at)
    why = "Nothing came of the round that was begun before. Another one needs an intent of its own."
    return RecoveryFailed(order.recover.cluster_id, why, tried=False)


def _checked(intent: Intent, order: Order) -> None:
    """By the intent of another order nobody would look for what this one sends."""
    _checks.instance("intent", intent, Intent, "Intent, as intent_of makes it")
    _checks.seconds("intent.begun_at", intent.begun_at, zero=True)
    if intent.token != order.token:
        raise InvalidArgument("intent", f"is of the token {intent.token}, and the order of {order.token}")


class _Turn:
    """One round of one order, by a process that may be one of many."""

    def __init__(
        self, session: Session, order: Order, own: Callable[[str], Collection[Decimal]], market: Market, *, unsent: bool
    ) -> None:
        self._session = session
        self._order = order
        self._market = market
        self._rounds = Recoveries(
            session.brief(),
            call="fleet.round",
            alone=True,
            listed=unsent,
            own=own,
            members=lambda: (order.recover.cluster_id,),
            sending=self._sending,
        )

    def _sending(self, order: Order) -> bool:
        self._session.unsettled[order.token] = self._session.now()
        return True

    async def take(self, look: Look | None, *, max_age: float, within: float) -> Outcome:
        """What it came to.

        Args:
            look: What a look saw; None where it may be too old, and the account is listed again.
            max_age: Seconds that this listing may be old.
            within: Seconds after which nothing more is sent.
        """
        end, log = anyio.current_time() + within, self._rounds.log(self._order)
        cluster_id, token = self._order.recover.cluster_id, self._order.token
        try:
            shown = await self._listed(max_age) if look is None else look.clusters
            outcome = await self._rounds.attempt(self._order, shown, self._market, log, end=end)
        except (AuthenticationError, ConfigurationError):
            if not self._order.recover.unsettled:  # and of this one nothing was rented
                self._session.unsettled.pop(token, None)
            raise
        except OutcomeUnknown as error:
            until = self._session.unsettled.get(token, self._session.now()) + self._session.settle_time
            return Pending(cluster_id, until, str(error), bids_of(log))
        except TensorOneError as error:
            outcome = after(self._order, error, log)
            if isinstance(outcome, Pending):
                return replace(outcome, until=self._session.now() + LOOK_AGAIN)
        self._note(outcome)
        return outcome

    def _note(self, outcome: Outcome) -> None:
        """A call that is repeated after it rented has to find that: its look is from before, and its intent holds."""
        token, unsettled, now = self._order.token, self._session.unsettled, self._session.now()
        if isinstance(outcome, Pending):  # which it is only where something was sent before
            return
        unsettled.pop(token, None)
        if isinstance(outcome, RecoverySucceeded) and outcome.new_cluster_id != outcome.cluster_id:
            unsettled[token] = now
            while unsettled[oldest := next(iter(unsettled))] + ROUND_SECONDS + self._session.settle_time < now:
                del unsettled[oldest]  # no intent from before it holds any more

    async def _listed(self, max_age: float) -> Mapping[str, Cluster]:
        listing = self._session.listing
        found = listing.since(anyio.current_time() - max_age) if max_age else listing.fresh()
        return (await found).value


async def end(session: Session, cluster_id: str, how: Literal["terminate", "stop"]) -> None:
    """Ends a cluster; one that is gone is ended."""
    _checks.one_of("how", how, Literal["terminate", "stop"])
    if is_seat(_checks.cluster_id(cluster_id)):
        return
    with suppress(ClusterNotFound), calls.named("fleet.end"):
        await (ending.stop if how == "stop" else ending.terminate)(session, cluster_id)
