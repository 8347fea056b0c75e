"""The GPU types of the emulated market, with their opening prices.

Ids, memory and prices are the sibling API's of 2025, plausible rather than current; docs/emulator.md names the sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class GpuModel:
    """One GPU type; prices in US dollars per GPU and hour, None for a cloud type without it."""

    id: str
    display_name: str
    memory_in_gb: int
    secure_price: Decimal | None
    community_price: Decimal | None
    minimum_bid: Decimal


def _model(  # noqa: PLR0913 - one row of the table below
    gpu_type_id: str, display_name: str, memory: int, secure: str | None, community: str | None, bid: str
) -> GpuModel:
    return GpuModel(
        id=gpu_type_id,
        display_name=display_name,
        memory_in_gb=memory,
        secure_price=Decimal(secure) if secure else None,
        community_price=Decimal(community) if community else None,
        minimum_bid=Decimal(bid),
    )


GPU_MODELS = (
    _model("NVIDIA GeForce RTX 3080", "RTX 3080", 10, None, "0.17", "0.125"),
    _model("NVIDIA GeForce RTX 3090", "RTX 3090", 24, "0.43", "0.22", "0.22"),
    _model("NVIDIA GeForce RTX 3090 Ti", "RTX 3090 Ti", 24, None, "0.27", "0.14"),
    _model("NVIDIA GeForce RTX 4090", "RTX 4090", 24, "0.69", "0.34", "0.35"),
    _model("NVIDIA GeForce RTX 5090", "RTX 5090", 32, "0.89", "0.69", "0.45"),
    _model("NVIDIA RTX 2000 Ada Generation", "RTX 2000 Ada", 16, "0.28", None, "0.14"),
    _model("NVIDIA RTX 4000 Ada Generation", "RTX 4000 Ada", 20, "0.34", "0.20", "0.19"),
    _model("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada", 48, "0.77", "0.74", "0.39"),
    _model("NVIDIA RTX A4000", "RTX A4000", 16, "0.29", "0.17", "0.16"),
    _model("NVIDIA RTX A4500", "RTX A4500", 20, "0.34", "0.19", "0.18"),
    _model("NVIDIA RTX A5000", "RTX A5000", 24, "0.26", "0.16", "0.14"),
    # A published request bids 0.20 for it on SECURE and must always win, so its minimum bid stays below.
    _model("NVIDIA RTX A6000", "RTX A6000", 48, "0.49", "0.33", "0.18"),
    _model("NVIDIA A40", "A40", 48, "0.40", None, "0.28"),
    _model("NVIDIA L4", "L4", 24, "0.43", None, "0.22"),
    _model("NVIDIA L40", "L40", 48, "0.99", "0.69", "0.50"),
    _model("NVIDIA L40S", "L40S", 48, "0.86", "0.79", "0.43"),
    _model("NVIDIA A100 80GB PCIe", "A100 PCIe", 80, "1.64", "1.19", "0.82"),
    _model("NVIDIA A100-SXM4-80GB", "A100 SXM", 80, "1.89", None, "0.95"),
    _model("NVIDIA H100 PCIe", "H100 PCIe", 80, "2.39", "1.99", "1.25"),
    _model("NVIDIA H100 NVL", "H100 NVL", 94, "2.79", "2.59", "1.65"),
    _model("NVIDIA H100 80GB HBM3", "H100 SXM", 80, "2.99", "2.69", "1.75"),
    _model("NVIDIA H200", "H200 SXM", 141, "3.99", "3.59", "2.00"),
    _model("Tesla V100-PCIE-16GB", "Tesla V100", 16, None, "0.19", "0.10"),
)
