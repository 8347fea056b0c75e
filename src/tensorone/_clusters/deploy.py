"""`clusters.deploy` and `spot.rent`: one cluster, on-demand or at one bid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._errors import NoCapacity
from tensorone._events.spans import traced
from tensorone._generated import CloudType
from tensorone._graphql import calls
from tensorone._market import catalogue, on_demand_price
from tensorone._market.bidding import exact
from tensorone._market.spot_unsupported import asking_for_spot
from tensorone._session import given_tokens, token_and_expiry

from . import rent_once, requests
from .spec import checked_spec

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from tensorone._generated import PlacedCluster
    from tensorone._session.session import Session

    from .spec import ClusterSpec


@traced("clusters.deploy")
async def deploy(
    session: Session,
    spec: ClusterSpec,
    *,
    client_token: str | None,
    token_sent_at: datetime | None = None,
    expires_in: float | None,
) -> PlacedCluster:
    """The first of the spec's GPU types that is available, at its fixed price."""
    checked_spec(spec)
    token = token_and_expiry.token(client_token)
    sent_at = given_tokens.sent_at(token_sent_at, client_token)
    tags = token_and_expiry.tags(token, expires_in)
    with calls.named("clusters.deploy"), token_and_expiry.given(client_token):
        if client_token is None:
            return await _deployed(session, spec, token, tags)
        async with session.tokens.turn(token):
            return await _earlier(session, spec, token, sent_at) or await _deployed(session, spec, token, tags)


async def _earlier(session: Session, spec: ClusterSpec, token: str, sent_at: float | None) -> PlacedCluster | None:
    """The cluster of an earlier call with the same token."""
    existing = await rent_once.adopt(session, token, sent_at=sent_at)
    if existing is not None:
        count, cloud_type = spec.gpu_count, _cloud_type(spec)
        hourly = await on_demand_price.highest(session, spec.candidates, gpu_count=count, cloud_type=cloud_type)
        session.spending.adopted(existing, hourly)
    return existing


async def _deployed(session: Session, spec: ClusterSpec, token: str, tags: dict[str, str]) -> PlacedCluster:
    refusal = None
    for gpu_type_id in spec.candidates:
        try:
            count, cloud_type = spec.gpu_count, _cloud_type(spec)
            hourly = await on_demand_price.hourly(session, gpu_type_id, gpu_count=count, cloud_type=cloud_type)
            about = requests.about(session, spec, gpu_type_id, tags, kind="on_demand", hourly=hourly)
            request = requests.deploying(requests.on_demand(spec, gpu_type_id, about))
            return await rent_once.rent(session, request, token, hourly=hourly)
        except NoCapacity as error:
            refusal = error
    assert refusal is not None  # noqa: S101 - a spec has at least one candidate
    await catalogue.check(session, spec.candidates, refusal, cloud_type=_cloud_type(spec))
    raise refusal


def _cloud_type(spec: ClusterSpec) -> CloudType | None:
    return None if spec.cloud_type is None else CloudType(spec.cloud_type)


async def highest_price(session: Session, spec: ClusterSpec) -> Decimal | None:
    """The highest list price among the spec's GPU types, US dollars per hour; None where one is not known."""
    checked_spec(spec)
    ids = [each for each in spec.candidates if each is not None]
    count, cloud_type = spec.gpu_count, _cloud_type(spec)
    with calls.named("clusters.highest_price"):
        try:
            return await on_demand_price.highest_listed(session, ids, gpu_count=count, cloud_type=cloud_type)
        except NoCapacity as error:
            await catalogue.check(session, ids, error)
            raise


@traced("spot.rent")
async def rent_spot(  # noqa: PLR0913 - what `spot.rent` was given
    session: Session,
    spec: ClusterSpec,
    *,
    bid_per_gpu: float,
    client_token: str | None,
    token_sent_at: datetime | None = None,
    expires_in: float | None,
) -> PlacedCluster:
    """The spec's GPU type, at one bid."""
    checked_spec(spec)
    token = token_and_expiry.token(client_token)
    sent_at = given_tokens.sent_at(token_sent_at, client_token)
    tags = token_and_expiry.tags(token, expires_in)
    bid = requests.bid(bid_per_gpu)
    hourly, gpu_type_id = exact(bid) * spec.gpu_count, requests.only_candidate(spec)
    about = requests.about(session, spec, gpu_type_id, tags, kind="spot", hourly=hourly)
    wanted = requests.spot(spec, gpu_type_id, bid, about)

    async def rented() -> PlacedCluster:
        try:
            with asking_for_spot(), token_and_expiry.given(client_token):
                return await rent_once.rent(session, requests.renting(wanted), token, hourly=hourly)
        except NoCapacity as error:
            await catalogue.check(session, spec.candidates, error, cloud_type=_cloud_type(spec))
            raise

    with calls.named("spot.rent"):
        if client_token is None:
            return await rented()
        async with session.tokens.turn(token):
            existing = await rent_once.adopt(session, token, sent_at=sent_at)
            if existing is not None:
                session.spending.adopted(existing, hourly)
            return existing or await rented()
