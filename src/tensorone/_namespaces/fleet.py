"""`client.fleet`: the three calls that a fleet's runner makes, wherever it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from tensorone._fleet.kit import Markets
    from tensorone._fleet.look import Look
    from tensorone._fleet.observations import Outcome
    from tensorone._fleet.spec import FleetSpec, Intent, Order
    from tensorone._session.session import Session

__all__ = ["Fleets"]


class Fleets:
    """What touches the network for a fleet; `tensorone.fleet` has the values and the decisions.

    ``spot.keep_running`` is one runner of these; a durable engine, which calls them from its steps, is another. Each
    is short and may be repeated, by this process or another one. docs/fleets.md shows a runner.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._markets: Markets | None = None

    @property
    def by(self) -> str:
        """Names this client among those that take turns at a fleet; another one for each client."""
        return self._session.by

    async def look(
        self, fleet: FleetSpec, members: Iterable[str], *, others: Iterable[str] = (), max_age: float = 0.0
    ) -> Look:
        """What the account shows of a fleet: one listing, and one request for prices where a member is down.

        Bills nothing. Less than 64 KiB as JSON for 500 members.

        Args:
            fleet: The fleet, for the GPU types whose prices matter.
            members: The clusters of its slots: ``state.cluster_ids``.
            others: Clusters to tell about besides: ``state.other_ids``.
            max_age: Seconds that the listing and the prices may be old, if another look of this client asked for them.
                Several fleets of an account that look at the same time then cost one listing; `at` says how old it is.

        Returns:
            What is up by id alone, what is not in full, and the clusters that carry this fleet's tokens.

        Raises:
            TensorOneError: The listing failed; give `step` a `PollFailed`, if the error is `repeatable`.

        Source: ``myself { clusters }`` and ``gpuTypes(input: {id})`` in the published example requests.
        """
        from tensorone._fleet.kit import look

        return await look(self._session, self._shared(), fleet, members, others=others, max_age=max_age)

    async def round(
        self,
        order: Order,
        *,
        look: Look,
        own_bids: Mapping[str, Iterable[Decimal | float]] | None = None,
        intent: Intent | None = None,
    ) -> Outcome:
        """One round of attempts at getting a cluster running, or another in its place. Waits for nothing but answers.

        Bills as ``spot.resume`` and ``spot.rent`` do, never above the ceiling of the order. It adopts what was rented
        in the cluster's place before. What it sends and does not see the end of, it reports as `Pending`, and so it
        does while a rental of another process may yet be committed. After a cancellation it looks once, terminates
        what it finds, and leaves the rest to the next call with this order.

        Args:
            order: What to recover: ``fleet.order_of(action)``.
            look: The look that led to it, or ``look.about(order)``. One that is older than the order's `every` is not
                believed, and the account is listed again.
            own_bids: Bids of the fleet's running clusters by GPU type, US dollars per GPU and hour, which are not
                outbid: ``state.own_bids``.
            intent: What was written down before this round, and by whom (`FleetSpec.intent_of`), so that another
                process that repeats it knows that a rental may have been sent. A round sends by an intent of its own
                client alone, and in the 15 s after it. By any other it looks and adopts: it is `Pending` until those
                15 s and `settle_time` are over, and failed then. Clocks of machines that take turns must agree to
                within a few seconds.

        Returns:
            `RecoverySucceeded`, `RecoveryFailed` or `Pending`: the next observation for `step`.

        Raises:
            AuthenticationError: The key is refused.
            ConfigurationError: The client is not open, or a variable that `env_from` names is not set here.
            InvalidArgument: An argument is of the wrong kind, or the intent of another order.

        Source: what ``spot.recover`` uses.
        """
        from tensorone._fleet.kit import take_turn

        return await take_turn(self._session, self._shared(), order, look=look, own_bids=own_bids, intent=intent)

    def _shared(self) -> Markets:
        from tensorone._fleet.kit import Markets

        if self._markets is None:
            self._markets = Markets(self._session)
        return self._markets

    async def end(self, cluster_id: str, *, how: Literal["terminate", "stop"] = "terminate") -> None:
        """Ends a cluster that was left behind, or is one too many; safe to repeat, and one that is gone is no error.

        Args:
            cluster_id: The cluster.
            how: ``"terminate"`` it, which ends its bill and deletes its volume, or ``"stop"`` it, which keeps both.

        Raises:
            TensorOneError: It failed; the next look tells whether to end it still.

        Source: ``clusterTerminate`` and ``clusterStop`` in the published example requests.
        """
        from tensorone._fleet.kit import end

        await end(self._session, cluster_id, how)
