"""What one search is for: one cluster, with its terms and its token. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tensorone._clusters.spec import checked_spec
from tensorone._data.dataclass import dataclass
from tensorone._errors import InvalidArgument
from tensorone._market.attempt_log import AttemptLog
from tensorone._session import given_tokens, token_and_expiry

from .terms import checked_timeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._events.emitter import Emitter
    from tensorone._market.attempt_log import Attempt
    from tensorone._session.session import Session

    from .terms import SearchTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRequest:
    """One cluster to rent.

    Attributes:
        spec: What to rent; several GPU types are candidates.
        terms: On which terms.
        token: The rental's token.
        adopt: Whether an earlier call may have rented with the token; its cluster is the result then.
        sent_at: When another process last sent the token, seconds since 1970; None for never.
        expires_in: Seconds after its rental when the cluster expires; None for never.
        log: Where attempts are logged.
    """

    spec: ClusterSpec
    terms: SearchTerms
    token: str
    adopt: bool
    expires_in: float | None
    log: AttemptLog
    sent_at: float | None = None

    @property
    def tags(self) -> dict[str, str]:
        """Variables for the environment of a cluster that is rented now: the token, and when it expires."""
        return token_and_expiry.tags(self.token, self.expires_in)

    def numbered(self, index: int) -> SpotRequest:
        """The same for one cluster of several, with a token and a log of its own."""
        return replace(self, token=token_and_expiry.token(f"{self.token}-{index}"), log=self.log.sibling())


def spot_request(  # noqa: PLR0913 - what several calls share
    spec: ClusterSpec,
    terms: SearchTerms,
    *,
    client_token: str | None,
    token_sent_at: datetime | None = None,
    expires_in: float | None,
    on_attempt: Callable[[Attempt], object] | None,
    call: str,
    events: Emitter | None = None,
) -> SpotRequest:
    """The request that a caller's keywords make.

    Raises:
        InvalidArgument: One of them is invalid; nothing was sent.
    """
    request = SpotRequest(
        spec=checked_spec(spec),
        terms=terms,
        token=token_and_expiry.token(client_token),
        adopt=client_token is not None,
        expires_in=expires_in,
        log=AttemptLog(on_attempt, events=events, call=call),
        sent_at=given_tokens.sent_at(token_sent_at, client_token),
    )
    assert request.tags  # noqa: S101 - for its check of `expires_in`
    return request


def checked_search(session: Session, request: SpotRequest, timeout: float) -> None:
    """Refuses a search whose token is looked for first, and for all of its time.

    Raises:
        InvalidArgument: Nothing could be rented within `timeout`.
    """
    checked_timeout(request.terms, timeout)
    if request.sent_at is not None:
        within = given_tokens.unsettled(session, request.token, request.sent_at)
        if within >= timeout:
            words = f"the token is looked for first, for {within:.3g} s, which are not less than timeout={timeout:g}"
            raise InvalidArgument("token_sent_at", f"{words}: nothing would be rented")
