"""What an on-demand cluster would cost, where the quote alone does not tell."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone._errors import NoCapacity, OperationUnsupported, TensorOneError
from tensorone._generated import CloudType

from .bidding import price

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorone._session.session import Session


async def lowest(session: Session, gpu_type_id: str, *, gpu_count: int) -> float | None:
    """The lowest fixed price of a GPU type, US dollars per GPU and hour; None where nothing is on offer.

    As in a quote; a server that offers no spot clusters answers it too.
    """
    found = (await session.graphql.get_on_demand_price(gpu_type_id, gpu_count=gpu_count)).gpu_types or ()
    prices = [gpu.lowest_price for gpu in found if gpu is not None]
    return next((each.uninterruptable_price for each in prices if each is not None), None)


async def of(session: Session, gpu_type_id: str, part: CloudType | None, quoted: float | None) -> Decimal | None:
    """US dollars per GPU and hour, None where unknown.

    A quote names the lowest price of the whole market, which is no bound for one part of it: that is read from the
    list prices, which a server may lack. Where the server chooses the part, it may choose the dearest.
    Nothing is on offer without a quote.
    """
    least = price(quoted)
    if least is None or part == CloudType.ALL:
        return least
    try:
        found = (await session.graphql.get_fixed_prices(gpu_type_id)).gpu_types or ()
    except OperationUnsupported:
        return least if part is None else None
    listed = {
        cloud: known
        for gpu in found
        if gpu is not None
        for cloud, amount in ((CloudType.SECURE, gpu.secure_price), (CloudType.COMMUNITY, gpu.community_price))
        if (known := price(amount)) is not None
    }
    return listed.get(part) if part is not None else max([least, *listed.values()])


async def hourly(
    session: Session, gpu_type_id: str | None, *, gpu_count: int, part: CloudType | None
) -> Decimal | None:
    """US dollars per hour of an on-demand cluster; asked for only where a limit is to be kept.

    Raises:
        NoCapacity: Nothing is on offer.
    """
    if not session.spending.limited or gpu_type_id is None or gpu_count == 0:
        return Decimal(0)
    quoted = await lowest(session, gpu_type_id, gpu_count=gpu_count)
    if price(quoted) is None:
        raise NoCapacity(
            f"no fixed price is quoted for {gpu_type_id!r}: there is none on offer", operation="GetOnDemandPrice"
        )
    fixed = await of(session, gpu_type_id, part, quoted)
    return None if fixed is None else fixed * gpu_count


async def highest(
    session: Session, gpu_type_ids: Iterable[str | None], *, gpu_count: int, part: CloudType | None
) -> Decimal | None:
    """US dollars per hour of an on-demand cluster, whichever of these GPU types it gets; None where one is unknown."""
    try:
        each = [await hourly(session, gpu_type_id, gpu_count=gpu_count, part=part) for gpu_type_id in gpu_type_ids]
    except TensorOneError:
        return None
    known = [amount for amount in each if amount is not None]
    return max(known) if len(known) == len(each) else None
