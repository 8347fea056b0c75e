"""What a rental writes about itself into its environment, and reads back where the server does not tell it. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, cast

from tensorone._data.dataclass import dataclass
from tensorone._data.json import as_object

from .token_and_expiry import LABEL, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from .session import Session

MarketKind = Literal["spot", "on_demand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A rental as it was asked for; None for what is not known."""

    gpu: str | None
    count: int | None
    kind: MarketKind | None
    usd_per_hour: float | None
    volume_gb: int | None


def labelled(  # noqa: PLR0913 - what a rental is
    session: Session,
    tags: dict[str, str],
    *,
    gpu_type_id: str | None,
    gpu_count: int,
    volume_in_gb: int | None,
    kind: MarketKind,
    hourly: Decimal | None,
) -> dict[str, str]:
    """The variables of a rental, with a label where the client writes them; a price of zero is one nobody asked for."""
    if not session.label:
        return tags
    known = hourly is not None and (hourly > 0 or gpu_count == 0)
    said = {
        "gpu": gpu_type_id,
        "count": gpu_count,
        "kind": kind,
        "usd_per_hour": float(hourly) if hourly is not None and known else None,
        "volume_gb": volume_in_gb,
    }
    return {**tags, LABEL: json.dumps({name: value for name, value in said.items() if value is not None})}


def label_of(env: Iterable[str] | None) -> Label | None:
    """The label in an environment; None without a readable one. What is of the wrong type counts as not known."""
    try:
        said = as_object(json.loads(value_of(env, LABEL) or ""))
    except ValueError:
        return None
    if said is None:
        return None
    gpu, kind, price = said.get("gpu"), said.get("kind"), said.get("usd_per_hour")
    return Label(
        gpu=gpu if isinstance(gpu, str) else None,
        count=_whole(said.get("count")),
        kind=cast("MarketKind", kind) if kind in {"spot", "on_demand"} else None,
        usd_per_hour=float(price) if isinstance(price, int | float) and not isinstance(price, bool) else None,
        volume_gb=_whole(said.get("volume_gb")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
