"""Templates, which are saved settings of clusters and workers: saved and deleted."""

from __future__ import annotations

from dataclasses import field, fields
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

from tensorone import _checks
from tensorone._clusters.spec import check_unmasked, checked_mount_path, checked_ports, hidden_env, read_unshown
from tensorone._data.dataclass import dataclass
from tensorone._data.json import as_object
from tensorone._errors import InvalidArgument, QueryError
from tensorone._generated import EnvironmentVariableInput, SaveTemplateInput
from tensorone._redaction import forgetful

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorone._data.hidden import HiddenMapping
    from tensorone._generated import Template
    from tensorone._session.session import Session

__all__ = ["TemplateSpec"]


@forgetful
@dataclass(frozen=True, kw_only=True)
class TemplateSpec:
    """A template to save.

    Args:
        name: Unique among the account's templates.
        image_name: Container image with its tag.
        container_disk_in_gb: Temporary disk, GB.
        volume_in_gb: Persistent volume, GB; must be 0 for serverless workers.
        volume_mount_path: Directory of the volume.
        ports: Ports to open, such as ``("8888/http", "22/tcp")``.
        env: Environment variables. Values do not appear in any repr, and a spec that has some is not pickled:
            ``TypeAdapter(TemplateSpec).dump_json(spec, context={"secrets": True})`` writes it with them, and without
            that context with masks.
        docker_args: Arguments that replace the image's command.
        readme: Text for people, Markdown.
        is_serverless: Whether it is for serverless workers.
        container_registry_auth_id: Registry credentials, by their id.

    Raises:
        InvalidArgument: A field is wrong; also a `ValueError`, and `.field` names it.
    """

    name: str
    image_name: str
    container_disk_in_gb: int
    volume_in_gb: int = 0
    volume_mount_path: str | None = None
    ports: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    docker_args: str = ""
    readme: str | None = None
    is_serverless: bool = False
    container_registry_auth_id: str | None = None

    def __post_init__(self) -> None:
        _checks.text("name", self.name)
        _checks.text("image_name", self.image_name)
        _checks.integer("container_disk_in_gb", self.container_disk_in_gb, least=1)
        _checks.integer("volume_in_gb", self.volume_in_gb, least=0)
        _checks.text("docker_args", self.docker_args, empty=True)
        _checks.flag("is_serverless", self.is_serverless)
        for name in ("readme", "container_registry_auth_id"):
            if (given := getattr(self, name)) is not None:
                _checks.text(name, given, empty=name == "readme")
        if self.is_serverless and self.volume_in_gb:
            raise InvalidArgument("volume_in_gb", "must be 0 for serverless workers")
        checked_mount_path(self.volume_mount_path)
        object.__setattr__(self, "ports", checked_ports(self.ports))
        object.__setattr__(self, "env", hidden_env(self.env))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read,
            json_schema_input_schema=core_schema.dict_schema(core_schema.str_schema()),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )


def _read(value: object) -> TemplateSpec:
    return read_unshown("TemplateSpec", _spec, value)


def _spec(value: object) -> TemplateSpec:
    """A spec as it is, or from what was written."""
    if isinstance(value, TemplateSpec):
        return value
    given = as_object(value) or {}
    if unknown := sorted(given.keys() - TemplateSpec.__dataclass_fields__.keys()):
        raise InvalidArgument(unknown[0], "is not a field of a TemplateSpec")
    for name in ("name", "image_name", "container_disk_in_gb"):
        if name not in given:
            raise InvalidArgument(name, "is required")
    check_unmasked(given, "env")
    return TemplateSpec(**given)


def _written(spec: TemplateSpec, info: core_schema.SerializationInfo) -> dict[str, Any]:
    """What pydantic writes of a spec: what was given, with masks unless the context asks for secrets."""
    given = {each.name: getattr(spec, each.name) for each in fields(spec)}
    env: HiddenMapping[str] = given.pop("env")
    return {**{name: value for name, value in given.items() if value is not None}, "env": env.written(info.context)}


async def save(session: Session, spec: TemplateSpec, *, template_id: str | None) -> Template:
    """The request of `templates.save`."""
    _checks.instance("spec", spec, TemplateSpec, "TemplateSpec")
    saved = (await session.graphql.save_template(_wanted(spec, template_id))).save_template
    if saved is None:
        raise QueryError(
            "templates.save: the server answered null and gave no reason", operation="SaveTemplate", attempts=1
        )
    return saved


async def delete(session: Session, name: str) -> None:
    """The request of `templates.delete`."""
    await session.graphql.delete_template(template_name=_checks.text("name", name))


def _wanted(spec: TemplateSpec, template_id: str | None) -> SaveTemplateInput:
    """The input, with the fields that the service requires even if empty, and without those left out. Pure."""
    optional = {
        "id": None if template_id is None else _checks.text("template_id", template_id),
        "volume_mount_path": spec.volume_mount_path,
        "ports": ",".join(spec.ports) or None,
        "readme": spec.readme,
        "container_registry_auth_id": spec.container_registry_auth_id,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    env: list[EnvironmentVariableInput | None] = [
        EnvironmentVariableInput(key=key, value=value) for key, value in spec.env.items()
    ]
    return SaveTemplateInput(
        name=spec.name,
        image_name=spec.image_name,
        docker_args=spec.docker_args,
        env=env,
        container_disk_in_gb=spec.container_disk_in_gb,
        volume_in_gb=spec.volume_in_gb,
        is_serverless=spec.is_serverless,
        **given,
    )
