"""`client.gpu_types`: what the market offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _checks
from ._errors import QueryError

if TYPE_CHECKING:
    from ._generated import GpuType, PricedGpuType
    from ._session import Session

__all__ = ["GpuTypes"]


class GpuTypes:
    """GPU types and their prices. Nothing here bills anything."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def list(self) -> list[GpuType]:
        """All GPU types, without prices.

        Raises:
            TensorOneError: The request failed.

        Source: ``gpuTypes`` in the published example requests.
        """
        return [gpu for gpu in (await self._session.graphql.list_gpu_types()).gpu_types or () if gpu is not None]

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


async def get(session: Session, gpu_type_id: str, *, gpu_count: int) -> PricedGpuType:
    """The request behind `GpuTypes.get` and ``spot.quote``."""
    _checks.text("gpu_type_id", gpu_type_id)
    _checks.integer("gpu_count", gpu_count, least=1)
    found = (await session.graphql.get_gpu_type(gpu_type_id, gpu_count=gpu_count)).gpu_types
    for gpu in found or ():
        if gpu is not None:
            return gpu
    problem = unanswered(gpu_type_id) if found is None else no_such(gpu_type_id)
    raise QueryError(f"GetGpuType: {problem}", operation="GetGpuType", attempts=1)


def no_such(gpu_type_id: str) -> str:
    """What to say of a GPU type that the server does not know."""
    return f"there is no GPU type {gpu_type_id!r}; client.gpu_types.list() shows the ids"


def unanswered(gpu_type_id: str) -> str:
    """What to say of a null in the place of a list, which proves nothing of the GPU type."""
    return f"the server answered null about the GPU type {gpu_type_id!r} and gave no reason"
