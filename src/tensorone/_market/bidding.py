"""What to bid next: a frozen policy and a pure decision over the market's prices and the bids refused so far."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Literal, Protocol

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Bid", "BidPolicy", "GiveUp", "Wait", "next_bid"]

RESOLUTION = Decimal("0.001")
"""Bids are whole multiples of this, US dollars per GPU and hour. Assumed, from published prices with three decimals."""


_PER_CENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?%")

_DIGITS = 9  # after the point: far below the resolution, far above what 0.1 + 0.2 adds

_ARITHMETIC = Context(prec=50)  # exact whatever the caller's own decimal context is


class Quote(Protocol):
    """The market's prices, US dollars per GPU and hour; `SpotQuote` is one. None while no GPU is free."""

    @property
    def minimum_bid(self) -> Decimal | float | None:
        """Least bid that would win now."""
        ...

    @property
    def on_demand_price(self) -> Decimal | float | None:
        """The fixed price of the same GPU."""
        ...


AboveCeiling = Literal["wait", "give_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BidPolicy:
    """How to bid: where to open, how to raise, where to stop. Money is US dollars per GPU and hour.

    The winner pays its bid, so a higher one costs more from the first second; it also makes preemption rarer.
    Bids are decimal numbers, rounded to `RESOLUTION`, and never above the ceiling.
    A bid that never moves is one that opens at its ceiling: ``BidPolicy(ceiling=0.25, opening=0.25)``.

    Args:
        ceiling: No bid is above this; there is no default.
        opening: The first bid, or the market's minimum if that is higher. None opens at the minimum plus `margin`.
        margin: What to bid above the market's minimum: ``"5%"``, or dollars, or 0 for the bare minimum.
        step: What to add to a refused bid: ``"5%"``, or dollars. If the minimum has risen further than that, the bid
            follows it.
        above_ceiling: While the market is above the ceiling, ``"wait"`` for it to fall, or ``"give_up"``.
        allow_above_on_demand: Also bid at or above the fixed price, at which an on-demand cluster is never preempted.
            If that price is unknown, only the ceiling applies.

    Raises:
        InvalidArgument: A value is out of range; also a `ValueError`, and `.field` names it.
    """

    ceiling: Decimal | float
    opening: Decimal | float | None = None
    margin: Decimal | float | str = "5%"
    step: Decimal | float | str = "5%"
    above_ceiling: Literal["wait", "give_up"] = "wait"
    allow_above_on_demand: bool = False

    def __post_init__(self) -> None:
        ceiling = _amount("ceiling", self.ceiling)
        opening = None if self.opening is None else _amount("opening", self.opening)
        if opening is not None and opening > ceiling:
            raise InvalidArgument("opening", f"{opening} is above the ceiling of {ceiling}")
        _checks.one_of("above_ceiling", self.above_ceiling, AboveCeiling)
        _checks.flag("allow_above_on_demand", self.allow_above_on_demand)
        margin = Decimal(0) if _is_zero(self.margin) else _addition("margin", self.margin)
        normal = {"ceiling": ceiling, "opening": opening, "margin": margin, "step": _step(self.step)}
        for name, value in normal.items():
            object.__setattr__(self, name, value)


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and not value


def checked_bidding(bidding: object) -> None:
    """Refuses anything but a policy: a bare number does not say how to bid."""
    _checks.instance("bidding", bidding, BidPolicy, "BidPolicy(ceiling=…)")


@dataclass(frozen=True, slots=True)
class Bid:
    """Make this bid.

    Attributes:
        bid_per_gpu: US dollars per GPU and hour; this is what is billed if it wins.
        reason: Why this much, as a sentence.
    """

    bid_per_gpu: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing now, and check again later; nothing is billed. `reason` says what to wait for."""

    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do nothing, now or later; nothing is billed. `reason` says why."""

    reason: str


def next_bid(policy: BidPolicy, quote: Quote, history: Sequence[Decimal | float] = ()) -> Bid | Wait | GiveUp:
    """The next bid in a run of refusals: at least the market's minimum, above all refused bids, within the ceiling.

    Args:
        policy: The bounds.
        quote: The market's current prices, including a newer minimum learned from a refusal.
        history: Bids that were refused as too low so far, US dollars per GPU and hour, without refusals for lack of
            capacity. After a `Wait` a new run begins with an empty history.

    Returns:
        A `Bid`; each refusal makes the next one higher, up to the ceiling. When a bid of the ceiling was refused, and
        while the market asks more than the ceiling, `Wait` or `GiveUp` as the policy says. `Wait` while no GPU is free.
    """
    with localcontext(_ARITHMETIC):
        minimum = price(quote.minimum_bid)
        if minimum is None:
            return Wait("None is free now.")
        limit, bound = _limit(policy, price(quote.on_demand_price))
        if minimum > limit:
            return _above_limit(policy, f"The market asks {minimum} USD per GPU-hour, more than {bound} allows.")
        refused = _highest(history)
        if refused is not None and refused >= limit:
            return _above_limit(policy, f"{refused} USD per GPU-hour was refused, and {bound} allows no more.")
        wanted, reason = _opening(policy, minimum) if refused is None else _raised(policy, minimum, refused)
        if wanted > limit:
            return Bid(limit, f"{limit} USD per GPU-hour: {reason} would be {wanted}, limited by {bound}.")
        return Bid(wanted, f"{wanted} USD per GPU-hour: {reason}.")


def _highest(history: Sequence[Decimal | float]) -> Decimal | None:
    try:
        highest = max((Decimal(str(bid)) for bid in history), default=None)
    except InvalidOperation:
        raise InvalidArgument("history", "must be the refused bids, as numbers of US dollars") from None
    return None if highest is None else _checks.dollars("history", highest)


def _opening(policy: BidPolicy, minimum: Decimal) -> tuple[Decimal, str]:
    if policy.opening is None:
        plus = f" plus {_shown(policy.margin)}" if policy.margin else ""
        return _up(_plus(minimum, policy.margin)), f"the market's minimum of {minimum}{plus}"
    if policy.opening < minimum:
        return _up(minimum), f"the market's minimum of {minimum}, as the opening bid of {policy.opening} is below it"
    return _up(Decimal(policy.opening)), "the opening bid of the policy"


def _raised(policy: BidPolicy, minimum: Decimal, refused: Decimal) -> tuple[Decimal, str]:
    stepped, opened = _up(_plus(refused, policy.step)), _opening(policy, minimum)
    if opened[0] > stepped:
        return opened[0], f"{refused} was refused, and the minimum is now {minimum}, so {opened[1]}"
    return stepped, f"{refused} was refused, so {_shown(policy.step)} more"


def _limit(policy: BidPolicy, on_demand: Decimal | None) -> tuple[Decimal, str]:
    """The highest bid allowed, and what sets it."""
    ceiling = Decimal(policy.ceiling).quantize(RESOLUTION, ROUND_FLOOR)
    if policy.allow_above_on_demand or on_demand is None or on_demand > ceiling:
        steps = "" if ceiling == policy.ceiling else f" ({ceiling} in whole steps of {RESOLUTION})"
        return ceiling, f"the ceiling of {policy.ceiling}{steps}"
    return _up(on_demand) - RESOLUTION, f"the rule to stay below the on-demand price of {on_demand}"


def _above_limit(policy: BidPolicy, reason: str) -> Wait | GiveUp:
    return Wait(reason) if policy.above_ceiling == "wait" else GiveUp(reason)


def exact(amount: float) -> Decimal:
    """An amount as it is written, not as it is stored."""
    return Decimal(str(amount))


def price(value: Decimal | float | None) -> Decimal | None:
    """A price as a decimal, without the rounding noise of floats; None unless it is a finite number above zero."""
    amount = (
        Decimal("NaN") if value is None else Decimal(str(round(value, _DIGITS) if isinstance(value, float) else value))
    )
    return amount if amount.is_finite() and amount > 0 else None


def _up(amount: Decimal) -> Decimal:
    return amount.quantize(RESOLUTION, ROUND_CEILING)


def _plus(amount: Decimal, addition: Decimal | float | str) -> Decimal:
    if isinstance(addition, str):
        return amount * (1 + Decimal(addition.removesuffix("%")) / 100)
    return amount + Decimal(addition)


def _shown(addition: Decimal | float | str) -> str:
    return addition if isinstance(addition, str) else f"{addition} USD"


def _amount(field: str, value: object) -> Decimal:
    amount = _checks.dollars(field, value)
    if amount < RESOLUTION:
        raise InvalidArgument(field, f"must be at least {RESOLUTION} US dollars, the API's resolution, not {value}")
    return amount


def _addition(field: str, value: object) -> Decimal | str:
    if not isinstance(value, str):
        return _checks.dollars(field, value)
    if not _PER_CENT.fullmatch(value):
        raise InvalidArgument(field, f"{value!r} is neither a number of US dollars nor a percentage such as '5%'")
    return value


def _step(value: object) -> Decimal | str:
    if not isinstance(value, str):
        return _amount("step", value)  # a smaller one would raise the bid for ever
    step = _addition("step", value)
    if not any(digit in "123456789" for digit in value):
        raise InvalidArgument("step", "must be above zero, so that repeated refusals end")
    return step
