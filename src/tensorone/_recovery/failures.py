"""Why a cluster does not run: what to wait for, and the error that ends a recovery. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tensorone._errors import BidCeilingReached, ClusterNotFound, NoCapacity, QueryError, WaitTimedOut
from tensorone._events.event import seconds

if TYPE_CHECKING:
    from tensorone._errors import TensorOneError
    from tensorone._generated import Cluster
    from tensorone._market.attempt_log import AttemptLog
    from tensorone._market.bidding import BidPolicy
    from tensorone._market.quotes import SpotQuote

    from .policy import Resumable


class Later(NamedTuple):
    """There is nothing more to be done now.

    Attributes:
        seconds: When to poll again.
        reason: Why, as a sentence.
        awaits: What has to change first: the machine's GPUs, for so many seconds at most; the market; a read, which
            failed; or something else, as an answer that was lost.
    """

    seconds: float
    reason: str
    awaits: Literal["gpus", "market", "read"] | None = None

    @property
    def for_capacity(self) -> bool:
        """Whether there is nothing to be had now."""
        return self.awaits in ("gpus", "market")


class Facts(NamedTuple):
    """What a recovery knows when it ends: the cluster, how to bid, the prices read last, and what was tried."""

    known: Resumable
    bidding: BidPolicy | None
    quote: SpotQuote | None
    log: AttemptLog


def out_of_time(facts: Facts, later: Later, timeout: float, *, seen: Cluster | None) -> TensorOneError:
    """Why the cluster does not run at the deadline: the reason of the last attempt decides."""
    cluster_id = facts.known.cluster_id
    tried = facts.log.summary() if later.for_capacity else later.reason
    words = f"cluster {cluster_id} does not run after {seconds(timeout)}: {tried}"
    quote, bidding = facts.quote, facts.bidding
    if later.awaits == "market" and bidding is not None and quote is not None and quote.available:
        return _above_ceiling(facts, words, bidding, quote)
    if later.for_capacity:
        return NoCapacity(words, operation=_resume(facts), billing=_volume(facts))
    billing = f"cluster {cluster_id} stays as it is; a volume it has is billed"
    return WaitTimedOut(words, operation="GetCluster", billing=billing, last_seen=seen)


def out_of_options(facts: Facts, reason: str) -> TensorOneError:
    """Why nothing more can be done."""
    known, bidding, quote = facts.known, facts.bidding, facts.quote
    if known.status in (None, "TERMINATED"):
        return ClusterNotFound(reason, operation="GetCluster", attempts=1)
    if known.gpus_gone:
        return NoCapacity(reason, operation=_resume(facts), billing=_volume(facts))
    if bidding is None or len(known.refused_kinds) > 1 or quote is None:
        return QueryError(reason, operation=_resume(facts), billing=_volume(facts))
    return _above_ceiling(facts, reason, bidding, quote)


def _above_ceiling(facts: Facts, words: str, bidding: BidPolicy, quote: SpotQuote) -> BidCeilingReached:
    return BidCeilingReached(
        f"{words} (raise the ceiling, or wait)",
        ceiling=float(bidding.ceiling),
        minimum_bid=quote.minimum_bid,
        last_bid=facts.log.last_bid,
        operation="ResumeSpotCluster",
        billing=_volume(facts),
    )


def _resume(facts: Facts) -> str:
    """The operation that starts such a cluster, as far as its kind is known."""
    by_bid = facts.bidding is not None and facts.known.kind != "on_demand" and "spot" not in facts.known.refused_kinds
    return "ResumeSpotCluster" if by_bid else "ResumeCluster"


def _volume(facts: Facts) -> str:
    return f"a volume of cluster {facts.known.cluster_id} stays billed until the cluster is terminated"
