"""What a rental may cost at most, and how the question about it is put."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tensorone._cli._output import words
from tensorone._data.dataclass import dataclass
from tensorone._errors import TensorOneError

if TYPE_CHECKING:
    from decimal import Decimal

    from tensorone import Account, ClusterSpec, TensorOne


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The most that a command may spend per hour.

    Attributes:
        each: US dollars per hour of one cluster's GPUs; None if that is not known.
        clusters: How many.
        how: `fixed price` or `bids up to …`, and for which part of the market.
    """

    each: Decimal | None
    clusters: int
    how: str

    @property
    def hourly(self) -> Decimal | None:
        """US dollars per hour of all of them."""
        return None if self.each is None else self.each * self.clusters

    @property
    def text(self) -> str:
        """`at most 2 × $0.40 = $0.80 an hour`."""
        if self.each is None or self.hourly is None:
            return "at a price that is not known"
        if self.clusters == 1:
            return f"at most ${words.dollars(self.each)} an hour"
        return f"at most {self.clusters} × ${words.dollars(self.each)} = ${words.dollars(self.hourly)} an hour"


async def lines(client: TensorOne, spec: ClusterSpec, worst: WorstCase) -> list[str]:
    """The question before a rental: what, at which price, and what that means for the account."""
    kind = "spot" if worst.how.startswith("bids") else "on-demand"
    clusters = f"{worst.clusters} {kind} cluster{'' if worst.clusters == 1 else 's'}"
    types = [each for each in spec.candidates if each is not None]
    said = [
        f"Rent {clusters} of {spec.image_name}, {spec.gpu_count} × {', else '.join(types)}"
        f"{' each' if worst.clusters > 1 else ''}:",
        f"  GPUs     {worst.text} until stopped ({worst.how})",
    ]
    if spec.volume_in_gb:
        many = f"{worst.clusters} × " if worst.clusters > 1 else ""
        said.append(f"  volumes  {many}{spec.volume_in_gb} GB, billed until terminated, also while stopped")
    if line := await account_line(client, worst.hourly):
        said.append(f"  account  {line}")
    return said


async def account_line(client: TensorOne, more: Decimal | None) -> str | None:
    """What the account spends and how long its credit lasts; None where the server does not tell."""
    with suppress(TensorOneError):
        account = await client.account.get()
        return _account(account, more)
    return None


def _account(account: Account, more: Decimal | None) -> str | None:
    balance, spend = account.client_balance, account.current_spend_per_hr
    if balance is None or spend is None:
        return None
    said = f"spends ${words.dollars(round(spend, 2))} an hour now, ${balance:.2f} left"
    after = spend + float(more or 0)
    if more is None or after <= 0:
        return said
    return f"{said}: about {words.ago(max(0.0, balance) / after * 3600)} at ${words.dollars(round(after, 2))}"
