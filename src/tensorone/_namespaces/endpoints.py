"""`client.endpoints`: serverless workers that scale behind a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._account import endpoints
from tensorone._display.listing import Listing

if TYPE_CHECKING:
    from tensorone._account.endpoints import EndpointSpec
    from tensorone._generated import Endpoint
    from tensorone._session.session import Session

__all__ = ["Endpoints"]


class Endpoints:
    """Serverless endpoints: billed for each worker while it runs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def save(self, spec: EndpointSpec, *, endpoint_id: str | None = None) -> Endpoint:
        """Creates an endpoint, or changes an existing one. Sent once.

        Bills each worker while it runs, and `workers_min` of them from now on. `max_hourly_spend` does not count
        endpoints, since the price of a worker is unknown.

        Args:
            spec: The whole endpoint.
            endpoint_id: The endpoint to change; without it one is created.

        Raises:
            QueryError: The server refused, for instance because it has no such template.
            OperationUnsupported: The server has no endpoints; every other call still works.
            OutcomeUnknown: The answer was lost. Check `list` before you save again, or there may be two endpoints.

        Source: ``saveEndpoint`` of the Tensor One documentation.
        """
        return await endpoints.save(self._session, spec, endpoint_id=endpoint_id)

    async def delete(self, endpoint_id: str) -> None:
        """Deletes an endpoint and ends its bill. Its worker limits must have been saved as 0 before. Sent once.

        Args:
            endpoint_id: The endpoint.

        Raises:
            QueryError: There is no such endpoint, or it may still have workers.
            OperationUnsupported: The server has no endpoints; every other call still works.
            OutcomeUnknown: The answer was lost; the endpoint may be gone.

        Source: ``deleteEndpoint`` of the sibling API, by analogy.
        """
        await endpoints.delete(self._session, endpoint_id)

    # Last, because its name hides the builtin from the annotations that follow it.
    async def list(self) -> Listing[Endpoint]:
        """All serverless endpoints of the account. Bills nothing.

        Raises:
            AuthenticationError: The key is not valid.
            OperationUnsupported: The server has no endpoints; every other call still works.

        Source: ``myself { endpoints }`` of the Tensor One documentation.
        """
        return Listing(await endpoints.listed(self._session))
