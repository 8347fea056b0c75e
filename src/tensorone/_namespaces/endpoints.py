"""`client.endpoints`: serverless workers that scale behind a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from tensorone import _checks
from tensorone._errors import AuthenticationError, InvalidArgument, QueryError
from tensorone._generated import EndpointInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorone._generated import Endpoint
    from tensorone._session.session import Session

__all__ = ["EndpointSpec", "Endpoints"]

Scaler = Literal["QUEUE_DELAY", "REQUEST_COUNT"]


@dataclass(frozen=True, kw_only=True)
class EndpointSpec:
    """A serverless endpoint to save; what is left out is not sent, and the server decides.

    Args:
        name: Label.
        gpu_ids: GPU pools, such as ``("AMPERE_16", "ADA_24")``.
        template_id: Template of the workers.
        workers_max: Most workers; 0 stops the endpoint.
        workers_min: Fewest workers; so many run, and are billed, also without any work.
        idle_timeout: Seconds before an idle worker stops.
        locations: Country codes, such as ``("US",)``.
        network_volume_id: Network volume of the workers; ``""`` for none.
        scaler_type: What the number of workers follows: ``"QUEUE_DELAY"`` or ``"REQUEST_COUNT"``.
        scaler_value: Its target: seconds of delay, or requests for each worker.

    Raises:
        InvalidArgument: A field is wrong; also a `ValueError`, and `.field` names it.
    """

    name: str
    gpu_ids: Sequence[str]
    template_id: str
    workers_max: int
    workers_min: int = 0
    idle_timeout: int | None = None
    locations: Sequence[str] = ()
    network_volume_id: str | None = None
    scaler_type: Scaler | None = None
    scaler_value: int | None = None

    def __post_init__(self) -> None:
        _checks.text("name", self.name)
        _checks.text("template_id", self.template_id)
        object.__setattr__(self, "gpu_ids", _words("gpu_ids", self.gpu_ids))
        object.__setattr__(self, "locations", _words("locations", self.locations))
        if not self.gpu_ids:
            raise InvalidArgument("gpu_ids", "must name at least one GPU pool, such as 'AMPERE_16'")
        _checks.integer("workers_max", self.workers_max, least=0)
        _checks.integer("workers_min", self.workers_min, least=0)
        if self.workers_min > self.workers_max:
            raise InvalidArgument("workers_min", f"{self.workers_min} is more than workers_max={self.workers_max}")
        if self.scaler_type is not None and self.scaler_type not in get_args(Scaler):
            raise InvalidArgument("scaler_type", f"must be one of {', '.join(get_args(Scaler))}")
        for name in ("idle_timeout", "scaler_value"):
            if (value := getattr(self, name)) is not None:
                _checks.integer(name, value, least=1)


def _words(field: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise InvalidArgument(field, f"must be a sequence such as ({values!r},), not one string")
    return tuple(_checks.text(f"{field}[{index}]", each) for index, each in enumerate(values))


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
        if not isinstance(spec, EndpointSpec):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
            raise InvalidArgument("spec", f"must be an EndpointSpec, not {type(spec).__name__}")
        saved = (await self._session.graphql.save_endpoint(_wanted(spec, endpoint_id))).save_endpoint
        if saved is None:
            raise QueryError(
                "SaveEndpoint: the server answered null and gave no reason",
                operation="SaveEndpoint",
                billing="an endpoint may have been saved: list them",
            )
        return saved

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
        await self._session.graphql.delete_endpoint(_checks.text("endpoint_id", endpoint_id))

    # Last, because its name hides the builtin from the annotations that follow it.
    async def list(self) -> list[Endpoint]:
        """All serverless endpoints of the account. Bills nothing.

        Raises:
            AuthenticationError: The key is not known.
            OperationUnsupported: The server has no endpoints; every other call works all the same.

        Source: ``myself { endpoints }`` of the Tensor One documentation.
        """
        account = (await self._session.graphql.list_endpoints()).myself
        if account is None:
            raise AuthenticationError(
                "ListEndpoints: the server knows no account for this key (check the key in TENSORONE_API_KEY)",
                operation="ListEndpoints",
                attempts=1,
            )
        return [endpoint for endpoint in account.endpoints or () if endpoint is not None]


def _wanted(spec: EndpointSpec, endpoint_id: str | None) -> EndpointInput:
    """The input without what was left out. Pure."""
    optional = {
        "id": None if endpoint_id is None else _checks.text("endpoint_id", endpoint_id),
        "idle_timeout": spec.idle_timeout,
        "locations": ",".join(spec.locations) or None,
        "network_volume_id": spec.network_volume_id,
        "scaler_type": spec.scaler_type,
        "scaler_value": spec.scaler_value,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return EndpointInput.model_validate(
        {
            "name": spec.name,
            "gpu_ids": ",".join(spec.gpu_ids),
            "template_id": spec.template_id,
            "workers_max": spec.workers_max,
            "workers_min": spec.workers_min,
            **given,
        }
    )
