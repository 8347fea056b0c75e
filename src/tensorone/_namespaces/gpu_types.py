"""`client.gpu_types`: what the market offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._display.listing import Listing
from tensorone._market.quotes import get

if TYPE_CHECKING:
    from tensorone._generated import GpuType, PricedGpuType
    from tensorone._session.session import Session

__all__ = ["GpuTypes"]


class GpuTypes:
    """GPU types and their prices. Nothing here bills anything."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def list(self) -> Listing[GpuType]:
        """All GPU types, without prices.

        Raises:
            TensorOneError: The request failed.

        Source: ``gpuTypes`` in the published example requests.
        """
        found = (await self._session.graphql.list_gpu_types()).gpu_types
        return Listing(gpu for gpu in found or () if gpu is not None)

    async def get(self, gpu_type_id: str, *, gpu_count: int = 1) -> PricedGpuType:
        """One GPU type with the lowest price for a number of GPUs; a price promises no capacity.

        Args:
            gpu_type_id: Full product name, such as ``"NVIDIA RTX A6000"``.
            gpu_count: GPUs in one cluster.

        Raises:
            QueryError: There is no such GPU type.

        Source: ``gpuTypes(input: {id})`` in the published example requests.
        """
        return await get(self._session, gpu_type_id, gpu_count=gpu_count)
