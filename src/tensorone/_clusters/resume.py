"""`clusters.resume` and `spot.resume`: a stopped cluster started where it is, by one request."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone import _checks
from tensorone._errors import NoCapacity
from tensorone._events.spans import traced
from tensorone._graphql import calls
from tensorone._market import catalogue, on_demand_price
from tensorone._market.bidding import exact
from tensorone._market.spot_unsupported import asking_for_spot

from . import requests
from .resume_once import resume_once

if TYPE_CHECKING:
    from tensorone._generated import PlacedCluster
    from tensorone._session.session import Session


@traced("clusters.resume")
async def resume(session: Session, cluster_id: str, *, gpu_count: int, gpu_type_id: str | None) -> PlacedCluster:
    """At the fixed price, which is fetched only under a spending limit."""
    _checks.cluster_id(cluster_id)
    _checks.integer("gpu_count", gpu_count, least=0)
    hourly = None if gpu_count else Decimal(0)
    if gpu_type_id is not None:
        _checks.text("gpu_type_id", gpu_type_id)
        with calls.named("clusters.resume"):
            hourly = await _price(session, gpu_type_id, gpu_count=gpu_count)
    return await resume_once(session, cluster_id, requests.resuming(cluster_id, gpu_count, gpu_type_id), hourly=hourly)


async def _price(session: Session, gpu_type_id: str, *, gpu_count: int) -> Decimal | None:
    try:
        return await on_demand_price.hourly(session, gpu_type_id, gpu_count=gpu_count, cloud_type=None)
    except NoCapacity as error:
        await catalogue.check(session, [gpu_type_id], error)
        raise


@traced("spot.resume")
async def resume_spot(session: Session, cluster_id: str, *, bid_per_gpu: float, gpu_count: int) -> PlacedCluster:
    """At a bid."""
    _checks.cluster_id(cluster_id)
    bid = requests.bid(bid_per_gpu)
    _checks.integer("gpu_count", gpu_count, least=0)
    request, hourly = requests.resuming_spot(cluster_id, gpu_count, bid), exact(bid) * gpu_count
    with asking_for_spot():
        return await resume_once(session, cluster_id, request, hourly=hourly)
