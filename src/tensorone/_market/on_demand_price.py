"""What an on-demand cluster would cost, where a quote alone does not show it."""

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
    """The lowest fixed price of a GPU type, US dollars per GPU and hour; None while no GPU is free.

    The same price as in a quote, but a server that offers no spot clusters has it too.
    """
    found = (await session.graphql.get_on_demand_price(gpu_type_id, gpu_count=gpu_count)).gpu_types or ()
    prices = [gpu.lowest_price for gpu in found if gpu is not None]
    quoted = next((each.uninterruptable_price for each in prices if each is not None), None)
    note(session, gpu_type_id, quoted)
    return quoted


def note(session: Session, gpu_type_id: str, fixed: float | None, cloud_type: CloudType | None = None) -> None:
    """Keeps a price that was read, for `client.rented`; None says nothing about what a cluster costs that runs."""
    if (known := price(fixed)) is not None:
        session.fixed_prices[gpu_type_id, cloud_type] = known


def known(
    session: Session, gpu_type_id: str | None, *, gpu_count: int | None, cloud_type: CloudType | None
) -> Decimal | None:
    """US dollars per hour of an on-demand cluster by what was read before; None if nothing was."""
    if gpu_type_id is None or gpu_count is None:
        return None
    each = session.fixed_prices.get((gpu_type_id, None if cloud_type == CloudType.ALL else cloud_type))
    return None if each is None else each * gpu_count


async def of(session: Session, gpu_type_id: str, cloud_type: CloudType | None, quoted: float | None) -> Decimal | None:
    """US dollars per GPU and hour in one cloud type; None if unknown or without a quoted price.

    A quote has the lowest price of all cloud types. A single cloud type may cost more, so its price is read from the
    list prices, which a server may lack. If the server chooses the cloud type, it may choose the most expensive one.
    """
    least = price(quoted)
    if least is None or cloud_type == CloudType.ALL:
        return least
    try:
        found = (await session.graphql.get_fixed_prices(gpu_type_id)).gpu_types or ()
    except OperationUnsupported:
        return least if cloud_type is None else None
    listed = {
        cloud: each
        for gpu in found
        if gpu is not None
        for cloud, amount in ((CloudType.SECURE, gpu.secure_price), (CloudType.COMMUNITY, gpu.community_price))
        if (each := price(amount)) is not None
    }
    session.fixed_prices.update({(gpu_type_id, cloud): amount for cloud, amount in listed.items()})
    return listed.get(cloud_type) if cloud_type is not None else max([least, *listed.values()])


async def hourly(
    session: Session, gpu_type_id: str | None, *, gpu_count: int, cloud_type: CloudType | None
) -> Decimal | None:
    """US dollars per hour of an on-demand cluster; fetched only under a spending limit.

    Raises:
        NoCapacity: No GPU of the type is free.
    """
    if not session.spending.limited or gpu_type_id is None or gpu_count == 0:
        return Decimal(0)
    return await _in_stock(session, gpu_type_id, gpu_count=gpu_count, cloud_type=cloud_type)


async def _in_stock(
    session: Session, gpu_type_id: str, *, gpu_count: int, cloud_type: CloudType | None
) -> Decimal | None:
    quoted = await lowest(session, gpu_type_id, gpu_count=gpu_count)
    if price(quoted) is None:
        raise NoCapacity(
            f"GetOnDemandPrice: the server quotes no fixed price for {gpu_type_id!r}: none is free now"
            " (try another GPU type, or later)",
            operation="GetOnDemandPrice",
            attempts=1,
        )
    fixed = await of(session, gpu_type_id, cloud_type, quoted)
    return None if fixed is None else fixed * gpu_count


async def highest_listed(
    session: Session, gpu_type_ids: Iterable[str], *, gpu_count: int, cloud_type: CloudType | None
) -> Decimal | None:
    """The highest of the fixed prices of these GPU types, US dollars per hour; None if one of them is not known.

    Raises:
        NoCapacity: None of them is free.
    """
    if gpu_count == 0:
        return Decimal(0)
    found: list[Decimal | None] = []
    refusal: NoCapacity | None = None
    for gpu_type_id in gpu_type_ids:
        try:
            found.append(await _in_stock(session, gpu_type_id, gpu_count=gpu_count, cloud_type=cloud_type))
        except NoCapacity as error:
            refusal = error
    if not found and refusal is not None:
        raise refusal
    known = [amount for amount in found if amount is not None]
    return max(known) if known and len(known) == len(found) else None


async def highest(
    session: Session, gpu_type_ids: Iterable[str | None], *, gpu_count: int, cloud_type: CloudType | None
) -> Decimal | None:
    """The highest price of an on-demand cluster of one of these GPU types, US dollars per hour; None if unknown."""
    try:
        each = [
            await hourly(session, gpu_type_id, gpu_count=gpu_count, cloud_type=cloud_type)
            for gpu_type_id in gpu_type_ids
        ]
    except TensorOneError:
        return None
    amounts = [amount for amount in each if amount is not None]
    return max(amounts) if len(amounts) == len(each) else None
