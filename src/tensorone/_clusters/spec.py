"""What to rent: a frozen description in the API's own words."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError, core_schema

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._data.hidden import MASK, HiddenMapping, Names, opened
from tensorone._data.json import as_object
from tensorone._errors import InvalidArgument
from tensorone._generated import CloudType
from tensorone._graphql.arguments import as_tree
from tensorone._redaction import forgetful
from tensorone._session.token_and_expiry import RESERVED

__all__ = ["ClusterSpec"]

S = TypeVar("S")
N = TypeVar("N", bound="Mapping[str, str]")


@forgetful
@dataclass(frozen=True, kw_only=True)
class ClusterSpec:
    """A cluster to rent. Fields that are left out are not sent, and the server decides.

    Sizes and counts appear in the published example requests; docs/emulator.md lists what is assumed about them.
    Every field is checked when the spec is created.

    Args:
        image_name: Container image with its tag, such as ``"tensorone/pytorch"``.
        gpu_type_id: The GPU, by its full product name, such as ``"NVIDIA RTX A6000"``.
        gpu_type_ids: Instead of `gpu_type_id`, several, in order of preference.
        gpu_count: GPUs in the cluster. With 0 no GPU type is needed; GPU work then fails.
        name: Label; need not be unique.
        cloud_type: ``"SECURE"`` (data centres), ``"COMMUNITY"`` or ``"ALL"``.
        container_disk_in_gb: Temporary disk, GB; billed while the cluster runs.
        volume_in_gb: Persistent volume, GB; billed until the cluster is terminated, also while it is stopped.
        volume_mount_path: Directory of the volume, such as ``"/workspace"``.
        min_vcpu_count: Least number of virtual CPUs.
        min_memory_in_gb: Least main memory, GB.
        ports: Ports to open, such as ``("8888/http", "22/tcp")``.
        env: Environment variables of the container. Values do not appear in any repr, and a spec that has some is not
            pickled: ``TypeAdapter(ClusterSpec).dump_json(spec, context={"secrets": True})`` writes it for another
            process, which reads it with `validate_json`. Without that context it is written with masks.
        env_from: Further environment variables, by reference: each name with that of a variable of the process that
            sends the rental, such as ``{"HF_TOKEN": "HF_TOKEN"}``. Only names are stored, shown and pickled; the value
            is read right before the rental is sent, and a variable that is not set raises `ConfigurationError`.
        docker_args: Arguments that replace the image's command.
        further: Further input fields in the API's own words, such as ``{"dataCenterId": "EU-RO-1"}``, for what no
            public source attests of Tensor One. They are sent as they are; a server that does not know one refuses
            the call with `OperationUnsupported`, which names it. A member of an `enum.Enum` is written as a value of
            a GraphQL enum. Values are kept as those of `env` are.

    Raises:
        InvalidArgument: A field is wrong; also a `ValueError`, and `.field` names it.
    """

    image_name: str
    gpu_type_id: str | None = None
    gpu_type_ids: Sequence[str] = ()
    gpu_count: int = 1
    name: str | None = None
    cloud_type: CloudType | str | None = None
    container_disk_in_gb: int | None = None
    volume_in_gb: int | None = None
    volume_mount_path: str | None = None
    min_vcpu_count: int | None = None
    min_memory_in_gb: int | None = None
    ports: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    env_from: Mapping[str, str] = field(default_factory=dict[str, str])
    docker_args: str | None = None
    further: Mapping[str, Any] = field(default_factory=dict[str, Any])

    if not TYPE_CHECKING:  # pragma: no branch - type checkers know the keywords from the fields

        def __new__(cls, *_: Any, **given: Any) -> Self:
            """Refuse an unknown keyword as a `ValueError` with the nearest name."""
            known, names = [f.name for f in fields(cls)], [*given]
            given.clear()
            for name in names:
                if name not in known:
                    near = difflib.get_close_matches(name, known, 1)
                    raise InvalidArgument(name, "no such field" + (f"; did you mean {near[0]}?" if near else ""))
            if names and "image_name" not in names:
                raise InvalidArgument("image_name", "is required")
            return super().__new__(cls)

    def __post_init__(self) -> None:
        for name, value in _checked(self).items():
            object.__setattr__(self, name, value)

    @property
    def candidates(self) -> tuple[str | None, ...]:
        """The GPU types to try, in order of preference; None stands for no GPU."""
        if self.gpu_type_id is not None:
            return (self.gpu_type_id,)
        return tuple(self.gpu_type_ids) or (None,)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read,
            json_schema_input_schema=core_schema.dict_schema(core_schema.str_schema()),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )


def _signature() -> inspect.Signature:
    """The keywords, for notebooks and editors; by itself inspect finds how an unknown one is caught."""
    made = inspect.signature(ClusterSpec.__init__)
    return made.replace(parameters=[*made.parameters.values()][1:])


setattr(ClusterSpec, "__signature__", _signature())  # noqa: B010 - no attribute that a type checker knows


def read_unshown(name: str, read: Callable[[object], S], value: object) -> S:
    """A spec that pydantic reads; its error, unlike pydantic's own, does not hold what was given."""
    try:
        return read(value)
    except InvalidArgument as error:
        refused = PydanticCustomError("value_error", "Value error, {words}", {"words": str(error)})
    line: InitErrorDetails = {"type": refused, "input": MASK}
    raise ValidationError.from_exception_data(name, [line], hide_input=True)


def _read(value: object) -> ClusterSpec:
    return read_unshown("ClusterSpec", _spec, value)


def _spec(value: object) -> ClusterSpec:
    """A spec as it is, or from what was written."""
    if isinstance(value, ClusterSpec):
        return value
    given = as_object(value)
    if given is None:
        raise InvalidArgument("spec", f"must be a ClusterSpec or a mapping of its fields, not {type(value).__name__}")
    check_unmasked(given, "env", "further")
    return ClusterSpec(**given)


def check_unmasked(given: Mapping[str, object], *names: str) -> None:
    """Refuses what was written with masks: they would be sent in the place of values."""
    for name in names:
        if MASK in (as_object(given.get(name)) or {}).values():
            raise InvalidArgument(name, 'was masked when it was written: write it with context={"secrets": True}')


def _written(spec: ClusterSpec, info: core_schema.SerializationInfo) -> dict[str, Any]:
    """What pydantic writes of a spec: what was given, with masks unless the context asks for secrets."""
    given = {each.name: getattr(spec, each.name) for each in fields(spec) if getattr(spec, each.name) not in (None, ())}
    if names := given.pop("env_from"):
        given["env_from"] = dict(names)
    for name in ("env", "further"):
        if hidden := given.pop(name):
            given[name] = hidden.written(info.context)
    return given


def preferring(spec: ClusterSpec, gpu_type_id: str | None) -> ClusterSpec:
    """The same spec with a GPU type first and its others after it; unchanged if the type is unknown. Pure."""
    others = tuple(each for each in spec.candidates if each is not None and each != gpu_type_id)
    if gpu_type_id is None or not others:
        return spec
    return replace(spec, gpu_type_id=None, gpu_type_ids=(gpu_type_id, *others))


def _checked(spec: ClusterSpec) -> dict[str, object]:
    """The fields of a spec as they will be used; raises for the first that is invalid. Pure."""
    return {
        "image_name": _checks.text("image_name", spec.image_name),
        "gpu_count": _checks.integer("gpu_count", spec.gpu_count, least=0),
        **_gpu_types(spec),
        "name": _optional_text("name", spec.name),
        "cloud_type": _cloud_type(spec.cloud_type),
        "volume_mount_path": checked_mount_path(spec.volume_mount_path),
        "docker_args": None if spec.docker_args is None else _checks.text("docker_args", spec.docker_args, empty=True),
        "ports": checked_ports(spec.ports),
        "env": (env := _unreserved("env", hidden_env(spec.env))),
        "env_from": _references(spec.env_from, env),
        "further": checked_further(spec.further),
        **{name: _size(name, getattr(spec, name)) for name in _SIZES},
    }


_SIZES = {"container_disk_in_gb": 1, "volume_in_gb": 0, "min_vcpu_count": 1, "min_memory_in_gb": 1}


def _size(name: str, value: object) -> int | None:
    return None if value is None else _checks.integer(name, value, least=_SIZES[name])


def _optional_text(name: str, value: object) -> str | None:
    return None if value is None else _checks.text(name, value)


def _gpu_types(spec: ClusterSpec) -> dict[str, object]:
    listed = _checks.several("gpu_type_ids", spec.gpu_type_ids or ())
    many = tuple(_checks.text("gpu_type_ids", item) for item in listed)
    one = _optional_text("gpu_type_id", spec.gpu_type_id)
    if one is not None and many:
        raise InvalidArgument("gpu_type_ids", "give gpu_type_id or gpu_type_ids, not both")
    if len(set(many)) < len(many):
        raise InvalidArgument("gpu_type_ids", "names a GPU type twice")
    if spec.gpu_count > 0 and one is None and not many:
        raise InvalidArgument("gpu_type_id", f"is required for gpu_count={spec.gpu_count}; gpu_count=0 needs none")
    return {"gpu_type_id": one, "gpu_type_ids": many}


def hidden_env(value: Any) -> HiddenMapping[str]:
    """Environment variables, checked, whose values no repr shows."""
    return HiddenMapping(_checks.environment("env", opened(value)))


def _unreserved(field: str, names: N) -> N:
    for name in RESERVED.intersection(names):
        raise InvalidArgument(field, f"{name} is set by the SDK: pass client_token= or expires_in= to the call")
    return names


def _references(value: Any, env: Mapping[str, str]) -> Names:
    checked = _unreserved("env_from", Names(_checks.environment("env_from", value)))
    for name in checked.keys() & env.keys():
        raise InvalidArgument("env_from", f"names {name}, which env has a value for: give one of them")
    return checked


def _cloud_type(value: object) -> CloudType | None:
    if value is None:
        return None
    try:
        return CloudType(value)
    except ValueError:
        known = ", ".join(CloudType)
        raise InvalidArgument("cloud_type", f"{value!r} is not one of {known}") from None


def checked_further(value: Any) -> HiddenMapping[Any]:
    """Further input fields: names as GraphQL has them, none that the spec has a field for, values that can be sent."""
    value = opened(value)
    if not isinstance(value, Mapping):
        raise InvalidArgument("further", f"must be a mapping of input fields to values, not {type(value).__name__}")
    checked: dict[str, Any] = {}
    for name, each in cast("Mapping[object, Any]", value).items():
        if not isinstance(name, str) or not _FIELD.fullmatch(name):
            raise InvalidArgument("further", f"{name!r} is not a valid name of an input field")
        if (own := _OWN.get(name)) is not None:
            raise InvalidArgument("further", f"{name} is {own}: set that instead")
        checked[name] = as_tree(each, f"further[{name!r}]")
    return HiddenMapping(checked)


# The input fields that a spec or a call has names for, as a reader would look for them.
_OWN = {
    **{to_camel(name): f"the spec's {name}" for name in ClusterSpec.__dataclass_fields__ if name != "further"},
    "gpuTypeIds": "the spec's gpu_type_ids",
    "gpuTypeIdList": "the spec's gpu_type_ids",
    "bidPerGpu": "the call's bid_per_gpu",
}
_FIELD = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


def checked_mount_path(value: object) -> str | None:
    """An absolute path, or nothing."""
    if value is None:
        return None
    path = _checks.text("volume_mount_path", value)
    if not path.startswith("/"):
        raise InvalidArgument("volume_mount_path", f"must be an absolute path such as '/workspace', not {path!r}")
    return path


def checked_ports(value: Any) -> tuple[str, ...]:
    """Ports as the API writes them, without duplicates."""
    if isinstance(value, str):
        raise InvalidArgument("ports", 'must be a sequence such as ("8888/http", "22/tcp"), not one string')
    try:
        ports = tuple(_checks.port("ports", item) for item in value)
    except TypeError:
        raise InvalidArgument("ports", 'must be a sequence such as ("8888/http", "22/tcp")') from None
    if len(set(ports)) < len(ports):
        raise InvalidArgument("ports", "names a port twice")
    return ports


def checked_spec(spec: object) -> ClusterSpec:
    """The spec; anything else is refused before a request is sent."""
    return _checks.instance("spec", spec, ClusterSpec, "ClusterSpec")
