"""What an on-demand cluster would cost, where the quote alone does not tell."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ._bidding import price
from ._candidates import Candidate
from ._errors import NoCapacity, OperationUnsupported
from ._generated import CloudType
from ._quotes import quote

if TYPE_CHECKING:
    from ._session import Session
    from ._specs import ClusterSpec


async def of(session: Session, candidate: Candidate, quoted: float | None) -> Decimal | None:
    """US dollars per GPU and hour, None where unknown.

    A quote names the lowest price of the whole market, which is no bound for one part of it: that is read from the
    list prices, which a server may lack. Where the server chooses the part, it may choose the dearest.
    Nothing is on offer without a quote.
    """
    lowest, part = price(quoted), candidate.cloud_type
    if lowest is None or part == CloudType.ALL:
        return lowest
    try:
        found = (await session.graphql.get_fixed_prices(candidate.gpu_type_id)).gpu_types or ()
    except OperationUnsupported:
        return lowest if part is None else None
    listed = {
        cloud: known
        for gpu in found
        if gpu is not None
        for cloud, amount in ((CloudType.SECURE, gpu.secure_price), (CloudType.COMMUNITY, gpu.community_price))
        if (known := price(amount)) is not None
    }
    return listed.get(part) if part is not None else max([lowest, *listed.values()])


async def hourly(session: Session, spec: ClusterSpec, gpu_type_id: str | None) -> Decimal | None:
    """US dollars per hour of a deployment; asked for only where a limit is to be kept.

    Raises:
        NoCapacity: Nothing is on offer.
    """
    if not session.spending.limited or gpu_type_id is None:
        return Decimal(0)
    asked = await quote(session, gpu_type_id, gpu_count=max(spec.gpu_count, 1))
    if price(asked.on_demand_price) is None:
        raise NoCapacity(
            f"no fixed price is quoted for {gpu_type_id!r}: there is none on offer", operation="GetGpuType"
        )
    part = None if spec.cloud_type is None else CloudType(spec.cloud_type)
    fixed = await of(session, Candidate(gpu_type_id, part), asked.on_demand_price)
    return None if fixed is None else fixed * spec.gpu_count
