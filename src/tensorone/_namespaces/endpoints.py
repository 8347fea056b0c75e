"""`client.endpoints`: serverless workers that scale behind a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._account import endpoints

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
        """Makes an endpoint, or changes the one with an id. Sent once.

        Bills each worker while it runs, and `workers_min` of them from now on. No limit of `max_hourly_spend` covers
        it: what a worker costs is not known.

        Args:
            spec: All of it.
            endpoint_id: The endpoint to change; without it one is made.

        Raises:
            QueryError: The server refused, for instance a template that it does not have.
            OperationUnsupported: The server has no endpoints; every other call works all the same.
            OutcomeUnknown: The answer was lost: see `list` before it is sent again, or two may exist.

        Source: ``saveEndpoint`` of the Tensor One documentation.
        """
        return await endpoints.save(self._session, spec, endpoint_id=endpoint_id)

    async def delete(self, endpoint_id: str) -> None:
        """Deletes an endpoint; its worker limits must have been saved as 0 before. Ends its bill. Sent once.

        Args:
            endpoint_id: The endpoint.

        Raises:
            QueryError: There is no such endpoint, or it may still have workers.
            OperationUnsupported: The server has no endpoints; every other call works all the same.
            OutcomeUnknown: The answer was lost, and it may be gone.

        Source: ``deleteEndpoint`` of the sibling API, by analogy.
        """
        await endpoints.delete(self._session, endpoint_id)

    # Last, because its name hides the builtin from the annotations that follow it.
    async def list(self) -> list[Endpoint]:
        """All serverless endpoints of the account. Bills nothing.

        Raises:
            AuthenticationError: The key is not known.
            OperationUnsupported: The server has no endpoints; every other call works all the same.

        Source: ``myself { endpoints }`` of the Tensor One documentation.
        """
        return await endpoints.listed(self._session)
