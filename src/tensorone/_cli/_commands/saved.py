"""`template` and `endpoint`: what the account has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply

File = Annotated[str, Parameter(allow_leading_hyphen=True)]

if TYPE_CHECKING:
    from tensorone import Endpoint
    from tensorone._cli._output.shapes import EndpointDocument


async def save_template(
    file: File, /, *, id_: Annotated[str | None, Parameter(name="--id")] = None, common: Common = COMMON
) -> Reply:
    """Save a template from a file of TOML or JSON. Bills nothing.

    The file has the fields of `TemplateSpec`: name, image_name,
    container_disk_in_gb, ports, env and the others.

    Example: tensorone template save pytorch.toml

    Args:
        file: The file; - reads standard input.
        id_: The template to change; without it, a new one.
    """
    from tensorone import TemplateSpec
    from tensorone._cli.service import service

    spec = _made(TemplateSpec, file)
    async with service(common) as client:
        saved = await client.templates.save(spec, template_id=id_)
    document = {"id": saved.id, "name": saved.name, "image": saved.image_name}
    return Reply({"template": document}, f"{saved.id}  {saved.name}")


async def delete_template(name: str, /, *, common: Common = COMMON) -> Reply:
    """Delete a template by its name. Asks first.

    Example: tensorone template delete pytorch

    Args:
        name: Its name.
    """
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    async with service(common) as client:
        await terminal().confirm([f"Delete the template {name}"], otherwise=f"this deletes the template {name}")
        await client.templates.delete(name)
    return Reply({"template": None}, footer=f"deleted {name}")


async def list_endpoints(*, common: Common = COMMON) -> Reply:
    """List the serverless endpoints of the account.

    Example: tensorone endpoint list
    """
    from tensorone._cli._output.tables import table
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    async with service(common) as client:
        found = [_document(each) for each in await client.endpoints.list()]
    rows = [
        (each["id"], each["name"] or "-", each["gpu_pools"] or "-", f"{each['workers_min']}-{each['workers_max']}")
        for each in found
    ]
    text = terminal().drawn(table(("ID", "NAME~", "GPU POOLS", "WORKERS"), rows)) if rows else None
    return Reply({"endpoints": found}, text, f"{len(found)} endpoint{'' if len(found) == 1 else 's'}")


async def save_endpoint(
    file: File, /, *, id_: Annotated[str | None, Parameter(name="--id")] = None, common: Common = COMMON
) -> Reply:
    """Save an endpoint from a file of TOML or JSON. Asks first.

    The file has the fields of `EndpointSpec`: name, gpu_ids, template_id,
    workers_max and the others. `workers_min` of them run and are billed always.

    Example: tensorone endpoint save whisper.toml

    Args:
        file: The file; - reads standard input.
        id_: The endpoint to change; without it, a new one.
    """
    from tensorone import EndpointSpec
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    spec = _made(EndpointSpec, file)
    text = f"up to {spec.workers_max} workers, {spec.workers_min} of them always, at a price that is not known"
    await terminal().confirm([f"Save the endpoint {spec.name}: {text}"], otherwise=f"this bills {text}")
    async with service(common) as client:
        saved = await client.endpoints.save(spec, endpoint_id=id_)
    return Reply({"endpoints": [_document(saved)]}, f"{saved.id}  {saved.name}")


async def delete_endpoint(endpoint_id: str, /, *, common: Common = COMMON) -> Reply:
    """Delete an endpoint whose worker limits are 0. Asks first.

    Example: tensorone endpoint delete wnv2gq7sk3ufzm

    Args:
        endpoint_id: Its id.
    """
    from tensorone._cli._output.failures import failed
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.service import service

    async with service(common) as client:
        if endpoint_id not in {each.id for each in await client.endpoints.list()}:
            raise failed(
                "not_found", f"there is no endpoint {endpoint_id}; nothing was done", hint="tensorone endpoint list"
            )
        words = f"deletes the endpoint {endpoint_id}"
        await terminal().confirm([f"Delete the endpoint {endpoint_id}"], otherwise=f"this {words}")
        await client.endpoints.delete(endpoint_id)
    return Reply({"endpoints": []}, footer=f"deleted {endpoint_id}")


def _document(endpoint: Endpoint) -> EndpointDocument:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "template_id": endpoint.template_id,
        "gpu_pools": endpoint.gpu_ids,
        "workers_min": endpoint.workers_min,
        "workers_max": endpoint.workers_max,
    }


def _made(kind: type[Any], file: str) -> Any:
    """A spec of the library from a file. Values of the file are not repeated, since some are secret."""
    import json
    import sys
    import tomllib
    from pathlib import Path

    from tensorone._cli._output.failures import failed

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        fields = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        return kind(**fields)
    except OSError as error:
        raise failed("invalid_argument", f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError):
        raise failed("invalid_argument", f"{file}: neither TOML nor JSON") from None
    except TypeError as error:
        raise failed("invalid_argument", f"{file}: {str(error).partition('__init__() ')[2] or error}") from None
