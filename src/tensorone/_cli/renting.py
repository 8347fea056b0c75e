"""Several rentals at once: each with a token of its own, followed until it runs, and undone together if asked for."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from tensorone import fan_out
from tensorone._cli._output import words
from tensorone._cli._output.documents import (
    blank,
    cluster_document,
    failed_document,
    rented_document,
    status_of,
)
from tensorone._cli._output.failures import Failure, failure_of, failure_of_several
from tensorone._cli._output.progress import Progress
from tensorone._cli._output.terminal import terminal
from tensorone._errors import TensorOneError
from tensorone._session.label import label_of

from .clusters import short
from .running import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tensorone import Cluster, Outcome, PlacedCluster, RentedCluster, TensorOne
    from tensorone._cli._output.shapes import ClusterDocument

WIDTH = 16  # rentals and waits under way at once


@dataclass(slots=True)
class Plan:
    """What one command rents.

    Attributes:
        tokens: A client token for each cluster.
        rent: Rents one with its token.
        wait: Whether to follow each until it runs.
        timeout: Seconds to do so.
        all_or_nothing: Whether one that is not had ends the others.
        expires_at: When `reap` may end them.
    """

    tokens: Sequence[str]
    rent: Callable[[str], Awaitable[PlacedCluster]]
    wait: bool
    timeout: float
    all_or_nothing: bool
    expires_at: str | None
    progress: Progress = field(default_factory=Progress)
    placed: dict[str, str] = field(default_factory=dict[str, str])
    begun: int = 0


def tokens(given: str | None, count: int) -> list[str]:
    """The token of each of several rentals; one alone has the given one as it is."""
    base = given or secrets.token_hex(12)
    return [base] if count == 1 else [f"{base}-{number}" for number in range(count)]


async def rented(client: TensorOne, plan: Plan) -> Reply:
    """Rents, waits, and says of each what became of it."""
    shown = terminal()
    shown.say(f"  token {_said(plan.tokens)}: repeat the command with --token, and nothing is rented twice")
    shown.under_way = lambda: _under_way(plan)
    try:
        with plan.progress.drawn():
            outcomes = await fan_out(partial(_one, client, plan), plan.tokens, limit=WIDTH)
    except anyio.get_cancelled_exc_class():
        if plan.all_or_nothing:
            await _end_all(client)
        raise
    failures = [failure_of(each.error, ids=_ids(plan, each)) for each in outcomes if each.error is not None]
    if failures and plan.all_or_nothing:
        await _end_all(client)
        shown.say("  the others were ended")
    documents = [_document(client, plan, each) for each in outcomes]
    return _reply(plan, documents, failure_of_several(failures, of=len(plan.tokens), what="rentals failed"))


def _said(given: Sequence[str]) -> str:
    return given[0] if len(given) == 1 else given[0].removesuffix("-0")


def _under_way(plan: Plan) -> str | None:
    asking = plan.begun - len(plan.placed)
    return f"{words.several(asking, 'rental')} under way; what comes of them is ended" if asking > 0 else None


async def _one(client: TensorOne, plan: Plan, token: str) -> ClusterDocument:
    number = str(plan.tokens.index(token) + 1)
    plan.begun += 1
    plan.progress.at(number, "asking …", f"{number} of {len(plan.tokens)}")
    try:
        placed = await plan.rent(token)
    except anyio.get_cancelled_exc_class():
        had = any(each.client_token == token for each in client.rented)
        plan.progress.at(number, "rented all the same" if had else "undone", moving=False)
        raise
    except TensorOneError as error:
        plan.begun -= 1
        plan.progress.at(number, f"failed: {failure_of(error).code}", moving=False)
        raise
    plan.placed[token] = placed.id
    about = _about(client, placed)
    cells = (placed.id, *_cells(about))
    if not plan.wait:
        plan.progress.at(number, "rented", *cells, moving=False)
        return _of(about, placed.id, plan)
    plan.progress.at(number, "starting …", *cells)
    begun = anyio.current_time()
    try:
        cluster = await client.clusters.wait_until_running(placed.id, timeout=plan.timeout, every=2.0)
    except TensorOneError:
        plan.progress.at(number, "not up yet, and billed", moving=False)
        raise
    plan.progress.at(number, f"up after {words.ago(anyio.current_time() - begun)}", moving=False)
    return _read(about, cluster, plan)


def _about(client: TensorOne, placed: PlacedCluster) -> RentedCluster | None:
    """What is known of a rental; of one that an earlier command made, what its label says."""
    about = next((each for each in client.rented if each.cluster_id == placed.id), None)
    if about is None or about.gpu_type_id is not None or (label := label_of(placed.env)) is None:
        return about
    return replace(
        about, gpu_type_id=label.gpu, gpu_count=label.count, kind=label.kind, usd_per_hour=label.usd_per_hour
    )


def _cells(about: RentedCluster | None) -> tuple[str, str]:
    if about is None or about.gpu_type_id is None:
        return "found by its token", ""
    return short(about.gpu_type_id), f"${words.dollars(about.usd_per_hour)}/h"


def _of(about: RentedCluster | None, cluster_id: str, plan: Plan) -> ClusterDocument:
    if about is None:  # an earlier command rented it, and it is stopped
        return blank(cluster_id, status="exited")
    return rented_document(about, expires_at=plan.expires_at)


def _read(about: RentedCluster | None, cluster: Cluster, plan: Plan) -> ClusterDocument:
    """What was read of a cluster, with what was known from renting it."""
    read, known = cluster_document(cluster, None), _of(about, cluster.id, plan)
    read["gpu"]["type"] = known["gpu"]["type"]
    read["kind"], read["usd_per_hour"] = known["kind"], known["usd_per_hour"]
    return read


def _ids(plan: Plan, outcome: Outcome[str, Any]) -> list[str]:
    return [plan.placed[outcome.item]] if outcome.item in plan.placed else []


def _document(client: TensorOne, plan: Plan, outcome: Outcome[str, ClusterDocument]) -> ClusterDocument:
    if outcome.value is not None:
        return outcome.value
    assert outcome.error is not None  # noqa: S101 - one of the two
    error = failed_document(failure_of(outcome.error, ids=_ids(plan, outcome)))
    cluster_id = plan.placed.get(outcome.item, "")
    about = next((each for each in client.rented if each.cluster_id == cluster_id), None)
    last: Cluster | None = getattr(outcome.error, "last_seen", None)
    known = blank(cluster_id, client_token=outcome.item) if about is None else rented_document(about)
    status = status_of(last) if last is not None else known["status"] if about is not None else "failed"
    known["error"], known["status"] = error, status
    return known


def _reply(plan: Plan, documents: Sequence[ClusterDocument], failure: Failure | None) -> Reply:
    """The ids on standard output, which is what a script wants; the rest was shown already."""
    had = [each for each in documents if each["id"]]
    text = "\n".join(each["id"] for each in had)
    footer = None
    if had and not plan.all_or_nothing:
        price = words.total([each["usd_per_hour"] for each in had])
        until = f" until {plan.expires_at}, when reap may end them" if plan.expires_at else ""
        footer = f"billed at {price}{until}\n   end:  tensorone terminate {' '.join(each['id'] for each in had)}"
    return Reply({"clusters": list(documents)}, text, footer, failure)


async def _end_all(client: TensorOne) -> None:
    """Terminates what this command rented, shielded and bounded; what stays is said in the end."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(15), contextlib.suppress(TensorOneError):
        await fan_out(client.clusters.terminate, [each.cluster_id for each in client.rented])
