"""Serverless endpoints: saved, listed and deleted."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, Literal

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._errors import InvalidArgument, QueryError
from tensorone._generated import EndpointInput
from tensorone._session.session import known_account

if TYPE_CHECKING:
    from tensorone._generated import Endpoint
    from tensorone._session.session import Session

__all__ = ["EndpointSpec"]

Scaler = Literal["QUEUE_DELAY", "REQUEST_COUNT"]


@dataclass(frozen=True, kw_only=True)
class EndpointSpec:
    """A serverless endpoint to save. Fields that are left out are not sent, and the server decides.

    Args:
        name: Label.
        gpu_ids: GPU pools, such as ``("AMPERE_16", "ADA_24")``.
        template_id: Template of the workers.
        workers_max: Most workers; 0 stops the endpoint.
        workers_min: Fewest workers; so many run, and are billed, even without work.
        idle_timeout: Seconds before an idle worker stops.
        locations: Country codes, such as ``("US",)``.
        network_volume_id: Network volume of the workers; ``""`` for none.
        scaler_type: What the number of workers depends on: ``"QUEUE_DELAY"`` or ``"REQUEST_COUNT"``.
        scaler_value: Its target: seconds of delay, or requests per worker.

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
        if self.network_volume_id is not None:
            _checks.text("network_volume_id", self.network_volume_id, empty=True)
        if self.scaler_type is not None:
            _checks.one_of("scaler_type", self.scaler_type, Scaler)
        for name in ("idle_timeout", "scaler_value"):
            if (value := getattr(self, name)) is not None:
                _checks.integer(name, value, least=1)


def _words(field: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise InvalidArgument(field, f"must be a sequence such as ({values!r},), not one string")
    return tuple(_checks.text(f"{field}[{index}]", each) for index, each in enumerate(_checks.several(field, values)))


async def save(session: Session, spec: EndpointSpec, *, endpoint_id: str | None) -> Endpoint:
    """The request of `endpoints.save`."""
    _checks.instance("spec", spec, EndpointSpec, "EndpointSpec")
    saved = (await session.graphql.save_endpoint(_wanted(spec, endpoint_id))).save_endpoint
    if saved is None:
        raise QueryError(
            "endpoints.save: the server answered null and gave no reason",
            operation="SaveEndpoint",
            attempts=1,
            billing="an endpoint may have been saved: check client.endpoints.list()",
        )
    return saved


async def delete(session: Session, endpoint_id: str) -> None:
    """The request of `endpoints.delete`."""
    await session.graphql.delete_endpoint(_checks.text("endpoint_id", endpoint_id))


async def listed(session: Session) -> list[Endpoint]:
    """The request of `endpoints.list`."""
    account = known_account((await session.graphql.list_endpoints()).myself, "ListEndpoints")
    return [endpoint for endpoint in account.endpoints or () if endpoint is not None]


def _wanted(spec: EndpointSpec, endpoint_id: str | None) -> EndpointInput:
    """The input, without the fields that were left out. Pure."""
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
