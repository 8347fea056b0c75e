"""Renting exactly once: one request, and when its response is lost, a listing of what the account then holds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio

from tensorone import _checks
from tensorone._delivery import Delivery
from tensorone._errors import (
    AuthenticationError,
    ConfigurationError,
    NoCapacity,
    OutcomeUnknown,
    QueryError,
    TensorOneError,
)
from tensorone._events.cleanup import Setback
from tensorone._events.event import seconds
from tensorone._events.rentals import Adopted, Duplicate, Lost
from tensorone._graphql import calls
from tensorone._session import given_tokens, polling, token_and_expiry
from tensorone._session.cluster_status import STOPPED
from tensorone._session.rented import record

from . import cleanup, end, reconcile

if TYPE_CHECKING:
    from decimal import Decimal

    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._session.session import Session

    from .requests import BillableRequest


async def found(session: Session, token: str) -> list[Cluster]:
    """The clusters that carry a token and still exist, the one to keep first, by a listing from now on."""
    snapshot = await session.listing.fresh()
    return token_and_expiry.with_token(snapshot.value.values(), token)


async def find(session: Session, token: str, timeout: float) -> Cluster | None:
    """The call behind `clusters.find`."""
    _checks.seconds("timeout", timeout, zero=True)
    with calls.named("clusters.find"):
        clusters = await _looked_for(session, token, timeout)
    return clusters[0] if clusters else None


async def _looked_for(session: Session, token: str, within: float) -> list[Cluster]:
    """The clusters that carry a token; that there is none is believed after so many seconds."""
    started = moment = anyio.current_time()
    while True:
        await polling.until(moment)
        try:
            clusters = await found(session, token)
        except TensorOneError as error:
            if anyio.current_time() >= started + within or isinstance(error, AuthenticationError | ConfigurationError):
                raise  # a listing that failed must not be taken for "not there"
            clusters = []
        now = anyio.current_time()
        if clusters or now >= started + within:
            return clusters
        moment = min(polling.next_tick(reconcile.next_look(started, now), reconcile.FIRST_LOOK), started + within)


async def adopt(session: Session, token: str, *, sent_at: float | None = None) -> Cluster | None:
    """The cluster of an earlier call with the same token, its duplicates terminated.

    Args:
        session: The client's.
        token: The token.
        sent_at: When it was last sent by another process, seconds since 1970: its cluster may appear for
            `settle_time` from then on, and until then None is not the answer.

    Raises:
        TensorOneError: The clusters could not be listed, so nobody knows.
    """
    within = given_tokens.unsettled(session, token, sent_at)
    if within:
        words = f"looking for a cluster with the client token {token}, sent by another call, up to {seconds(within)}"
        session.events.emit_at(logging.INFO, Setback, text=words)
    clusters = await _looked_for(session, token, within)
    await terminate_duplicates(session, tuple(clusters[1:]))
    if not clusters:
        return None
    _add_adopted(session, clusters[0], token)
    cluster_id = clusters[0].id
    session.events.emit_at(logging.INFO, Adopted, call=None, cluster_id=cluster_id, client_token=token, seconds=None)
    return clusters[0]


def _add_adopted(session: Session, cluster: Cluster, token: str) -> None:
    if cluster.desired_status not in STOPPED:
        adopted = record(cluster.id, token=token, gpu_type_id=None, gpu_count=None, kind=None, hourly=None)
        session.rentals.add(adopted)


async def rent(
    session: Session,
    request: BillableRequest,
    token: str,
    *,
    hourly: Decimal | None,
    delivery: Delivery | None = None,
) -> PlacedCluster:
    """Sends one rental, which costs so many US dollars per hour; `delivery` learns whether it began to leave.

    Raises:
        SpendLimitReached: It would cost more than is allowed.
        NoCapacity: The server answered null: it rented nothing.
        OutcomeUnknown: The answer was lost, and the token did not show up within the settling time.
        TensorOneError: The server refused, or nothing was sent.
    """
    sent = Delivery() if delivery is None else delivery
    return await cleanup.billable(
        session,
        request,
        token,
        hourly,
        lambda: _rent(session, request, token, sent),
        what=_call(token),
        undo=lambda: _undo(session, token),
        delivery=sent,
    )


async def _rent(session: Session, request: BillableRequest, token: str, delivery: Delivery) -> PlacedCluster:
    try:
        placed = await request.send(session.tracked(delivery))
    except OutcomeUnknown as unknown:
        within, call = session.settle_time, calls.name(request.operation)
        session.events.emit(Lost, call=call, client_token=token, cluster_id=None, reason=str(unknown), within=within)
        cluster = await _found(session, request, token)
        if cluster is None or isinstance(cluster, TensorOneError):
            raise _unknown(unknown, token, session.settle_time, cluster) from unknown.__cause__
        return cluster
    except QueryError as error:
        cluster_id = cleanup.named_in(error)
        if cluster_id is None:
            raise
        cluster = await _found(session, request, token, cluster_id)
        if cluster is None or isinstance(cluster, TensorOneError):
            raise
        return cluster
    if placed is None:
        words = "the server rented nothing and gave no reason: no machine fits (try another GPU type, or later)"
        raise NoCapacity(f"{calls.name(request.operation)}: {words}", operation=request.operation, attempts=1)
    return placed


async def _found(
    session: Session, request: BillableRequest, token: str, cluster_id: str | None = None
) -> Cluster | TensorOneError | None:
    """What a rental without a answer rented after all; None if not, the error if nobody knows."""
    lost_at = anyio.current_time()
    cluster = None if cluster_id is None else await cleanup.state_of(session, cluster_id)
    looked = cluster or await _settle(session, token)
    if not isinstance(looked, TensorOneError | None):
        took = anyio.current_time() - lost_at
        call = calls.name(request.operation)
        session.events.emit(Adopted, call=call, cluster_id=looked.id, client_token=token, seconds=took)
    return looked


async def _settle(session: Session, token: str) -> Cluster | TensorOneError | None:
    """Looks for the token until it shows up or the settling time is over; terminates duplicates.

    Returns:
        Its cluster, or None where there is none. Where the last look failed, the error: nobody knows.
    """
    lost_at = anyio.current_time()
    look_at = min(reconcile.next_look(lost_at, lost_at), lost_at + session.settle_time)
    while True:
        await polling.until(look_at)
        found = await _listed(session, look_at)
        failed = found if isinstance(found, TensorOneError) else None
        if isinstance(failed, ConfigurationError):  # a client that is closed will see nothing later either
            return failed
        shown = None if isinstance(found, TensorOneError) else found
        now = anyio.current_time()
        decision = reconcile.decide(shown, token, lost_at=lost_at, now=now, settle_time=session.settle_time)
        if isinstance(decision, reconcile.Unknown):
            return failed
        if isinstance(decision, reconcile.Adopt):
            await terminate_duplicates(session, decision.duplicates)
            return decision.cluster
        look_at = max(now, polling.next_tick(decision.at, reconcile.FIRST_LOOK))


async def _listed(session: Session, moment: float) -> list[Cluster] | TensorOneError:
    """What a listing shows, or why it failed."""
    try:
        snapshot = await session.listing.since(moment)
    except TensorOneError as error:
        words = f"looking for a rental whose answer was lost: {error}"
        session.events.emit(Setback, text=words, error_type=type(error).__name__)
        return error
    return list(snapshot.value.values())


async def terminate_duplicates(session: Session, duplicates: tuple[Cluster, ...]) -> None:
    """Terminates what was rented besides the one cluster of a token."""
    for duplicate in duplicates:
        session.events.emit(Duplicate, cluster_id=duplicate.id)
        with anyio.move_on_after(cleanup.GRACE):
            await end.end(session, duplicate.id, told=False)


def _unknown(unknown: OutcomeUnknown, token: str, settle_time: float, failed: TensorOneError | None) -> OutcomeUnknown:
    looked = f"no cluster with its token {f'appeared within {settle_time:g} s' if settle_time else 'was there at once'}"
    if failed is not None:
        looked = f"whether a cluster has its token could not be found out ({failed})"
    return OutcomeUnknown(
        f"{unknown}; {looked}."
        f" Search again with client.clusters.find({token!r}), or repeat the call with client_token={token!r}",
        operation=unknown.operation,
        attempts=unknown.attempts,
        billing=unknown.billing,
        client_token=token,
    )


def _call(token: str) -> str:
    return f"a rental with the client token {token}"


async def _undo(session: Session, token: str) -> None:
    """Terminates what a cancelled rental rented."""
    cluster = await _settle(session, token)
    if isinstance(cluster, TensorOneError):
        words = f"{_call(token)} was cancelled, and whether a cluster has the token could not be found out: {cluster}"
        find = f"{_call(token)}: look with client.clusters.find({token!r})"
        session.interruptions.end(_call(token), words, left=find)
        return
    if cluster is None:
        words = f"{_call(token)} was cancelled: no cluster has the token {session.settle_time:g} s later"
        session.interruptions.end(_call(token), f"{words}, so most likely nothing was rented", unsure=token)
        return
    await end.end(session, cluster.id, told=False)
    words = f"a rental was cancelled: its cluster {cluster.id} was terminated"
    session.interruptions.end(_call(token), words, cluster_id=cluster.id)
