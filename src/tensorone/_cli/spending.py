"""What a fleet has spent, as its saved states say, beside the fixed price of the same GPUs in the same time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ._output import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._fleet.member import Member
    from tensorone._fleet.state import FleetState

HOUR = Decimal(3600)


class Money:
    """The running sum, told by one state after another.

    Args:
        fixed: The fixed price of each GPU type, US dollars per GPU and hour, where it is known.

    Attributes:
        spent: US dollars since the state began, as estimated from the bids.
        seen: US dollars of that since this program began.
        fixed_price: What these GPUs would have cost at the fixed price since then; None if one is not known.
    """

    def __init__(self, fixed: Mapping[str, Decimal]) -> None:
        self._fixed = fixed
        self._last: FleetState | None = None
        self.spent = self.seen = Decimal(0)
        self.fixed_price: Decimal | None = Decimal(0)

    def saw(self, text: str) -> None:
        """Counts what the time since the state before has cost."""
        from tensorone._fleet.state import FleetState

        state, last = FleetState.from_json(text), self._last
        if last is not None and last.at is not None and state.at is not None:
            self.seen += state.spent - last.spent
            hours = Decimal(str(max(0.0, state.at - last.at))) / HOUR
            for member in last.members:
                if member.billed:
                    self._count(member, hours)
        self.spent, self._last = state.spent, state

    def _count(self, member: Member, hours: Decimal) -> None:
        price = self._fixed.get(member.gpu_type_id or "")
        known = self.fixed_price is not None and price is not None
        self.fixed_price = self.fixed_price + price * member.gpu_count * hours if known else None  # type: ignore[operator]  # known

    @property
    def saved_percent(self) -> float | None:
        """How much less was spent than the fixed price; None if that is not known, or nothing ran yet."""
        return float(100 * (1 - self.seen / self.fixed_price)) if self.fixed_price else None

    @property
    def text(self) -> str:
        """`$1.20 spent; $2.90 at the fixed price, 59% saved`."""
        said = f"${words.dollars(self.spent)} spent"
        if not self.fixed_price or self.saved_percent is None:
            return said
        more = "saved" if self.saved_percent >= 0 else "more"
        fixed = words.dollars(self.fixed_price)
        return f"{said}; since the start ${fixed} at the fixed price, {abs(self.saved_percent):.0f}% {more}"

    def document(self) -> dict[str, float | None]:
        """As JSON has it."""
        return {
            "spent_usd": round(float(self.spent), 6),
            "fixed_price_usd": None if self.fixed_price is None else round(float(self.fixed_price), 6),
        }
