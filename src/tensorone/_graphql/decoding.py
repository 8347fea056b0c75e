"""From the bytes of a response to a typed result in one pass, or to an error that loses nothing. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from tensorone._data.json import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


T = TypeVar("T")


_LINE = 500  # bytes; a longer text is a page


class Envelope(BaseModel, Generic[T]):
    """The shape of every GraphQL response."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    data: T | None = None
    errors: list[Any] | None = None


class ShapeError(Exception):
    """The body is not JSON, not GraphQL, or not what the schema promises."""


@lru_cache(maxsize=256)
def _reader(result: type[T]) -> Callable[[bytes], Envelope[T]]:
    return Envelope[result].model_validate_json  # type: ignore[valid-type]  # a type made at run time


def prepare(kind: type[object]) -> None:
    """Builds what decodes answers of one type, so that no call has to."""
    _reader(kind)  # type: ignore[arg-type]  # as below


def result(content: bytes, kind: type[T]) -> T | None:
    """The typed data of a response without errors; None where it has errors or no data, to be read leniently.

    Raises:
        ShapeError: There is data, but not of the schema's shape.
    """
    try:
        envelope: Envelope[T] = _reader(kind)(content)  # type: ignore[arg-type]  # mypy holds a type[T] for unhashable
    except ValidationError as error:
        raise ShapeError(_words(error)) from None
    except Exception as error:  # noqa: BLE001 - whatever a function of the user's own raises; its words may be secret
        raise ShapeError(f"the function that reads a scalar raised {type(error).__name__}") from None
    return None if envelope.errors else envelope.data


class Parts(NamedTuple):
    """What a GraphQL response consists of, as it came; entries of `errors` that are not objects became objects."""

    data: Any
    errors: list[Mapping[str, Any]]
    extensions: Mapping[str, Any]


def parts(content: bytes) -> Parts:
    """The parts of a response.

    Raises:
        ShapeError: The body is not a JSON object with `data` or `errors`.
    """
    try:
        body = as_object(from_json(content))
    except ValueError as error:
        raise ShapeError(f"the body is not JSON ({error})") from None
    if body is None or not body.keys() & {"data", "errors"}:
        raise ShapeError("the body has neither data nor errors")
    return Parts(body.get("data"), _entries(body.get("errors")), as_object(body.get("extensions")) or {})


def _entries(errors: object) -> list[Mapping[str, Any]]:
    if not errors:
        return []
    items = as_array(errors) or [errors]
    return [as_object(item) or {"message": str(item)} for item in items]


def plain_words(content: bytes) -> list[Mapping[str, Any]]:
    """What a body that is not GraphQL says, as an entry of `errors`: a gateway's JSON, or a line of text."""
    try:
        body = as_object(from_json(content))
    except ValueError:
        line = content[:_LINE].decode("utf-8", "replace").strip()
        return [{"message": line}] if line and len(content) < _LINE and "<" not in line else []
    return [] if body is None or "data" in body else [{"message": _message(body), "extensions": body}]


def _message(body: Mapping[str, Any]) -> str:
    said = (body.get(name) for name in ("message", "error", "detail", "error_description", "title"))
    words = [_message(inner) if (inner := as_object(each)) else each for each in said]
    return "; ".join(each for each in words if isinstance(each, str))


def _words(error: ValidationError) -> str:
    """Where and why, without the values, which may be secret."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = "; ".join(f"{_path(problem['loc'])}: {problem['msg']}" for problem in problems[:3])
    return first + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")  # noqa: PLR2004 - the three shown


def _path(location: Sequence[str | int]) -> str:
    return ".".join(map(str, location)) or "body"
