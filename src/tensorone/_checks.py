"""Checks of arguments before anything is sent; each raises an `InvalidArgument` that names the field."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from inspect import isasyncgenfunction, isawaitable, iscoroutine, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, get_args

from ._errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")
T = TypeVar("T")

MAX_INT = 2**31 - 1  # GraphQL's Int has 32 bits
MAX_PORT = 65535
_NAME = re.compile(r"[^\s=\x00]+")
_PARTS = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")
_PORT = re.compile(r"([0-9]{1,5})/(http|tcp|udp)")


def text(field: str, value: object, *, empty: bool = False) -> str:
    """A string that can be sent: not blank unless `empty`, without lone surrogates."""
    if not isinstance(value, str):
        raise InvalidArgument(field, f"must be a string, not {type(value).__name__}")
    if not empty and not value.strip():
        raise InvalidArgument(field, "must not be empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        problem = f"has a lone surrogate at position {error.start}, which cannot be sent"
        raise InvalidArgument(field, problem) from None
    return value


_CLUSTER_ID = re.compile(r"[A-Za-z0-9_-]+")


def cluster_id(value: object, field: str = "cluster_id") -> str:
    """An opaque id of letters, digits, `-` and `_`; its length is not checked."""
    if isinstance(value, str) and _CLUSTER_ID.fullmatch(value):
        return value
    if not isinstance(value, str) and isinstance(getattr(value, "id", None), str):
        raise InvalidArgument(field, f"must be the cluster's id, not the {type(value).__name__}: pass its .id")
    if not isinstance(value, str) and hasattr(value, "cluster"):
        raise InvalidArgument(field, f"must be the cluster's id, not the {type(value).__name__}: pass its .cluster.id")
    words = (
        f"{text(field, value)!r} is not a valid cluster id: use letters, digits, '-' and '_', as in 'inzk6tzuz833h5'"
    )
    raise InvalidArgument(field, words)


def cluster_ids(values: object, field: str = "cluster_ids") -> list[str]:
    """Several ids; a single string is refused, since its letters would pass as ids."""
    return [cluster_id(value, f"{field}[{index}]") for index, value in enumerate(several(field, values))]


def several(field: str, values: object) -> Iterable[Any]:
    """Several things, or an async iterable of them: no string, whose letters would be the items, and no mapping."""
    if isinstance(values, str | bytes | bytearray | memoryview):
        raise InvalidArgument(field, "must be several items, not one string: pass a list")
    if isinstance(values, Mapping):
        raise InvalidArgument(field, "must be several items, not a mapping: pass its keys or its values as a list")
    if hasattr(type(values), "model_fields"):  # a model, which is an iterable of its fields
        raise InvalidArgument(field, f"must be several items, not one {type(values).__name__}: pass a list")
    if not isinstance(values, Iterable | AsyncIterable):
        raise InvalidArgument(field, f"must be several items, such as a list, not {type(values).__name__}")
    return values  # type: ignore[return-value]  # callers that cannot read an async iterable do not accept one


def operation(field: str, value: object) -> None:
    """A function that is called with each item; a coroutine has been called already, and runs once."""
    if iscoroutine(value):
        value.close()
        raise InvalidArgument(field, "must be a function, not a coroutine: leave the parentheses out")
    if not callable(value):
        raise InvalidArgument(field, f"must be a function, such as client.clusters.stop, not {type(value).__name__}")


def generated_operation(value: object) -> None:
    """An operation as the generator writes it, and not a method that runs one."""
    if not all(hasattr(value, each) for each in ("name", "kind", "fields", "result")):
        words = f"must be a generated constant, such as tensorone_graphql.LIST_CLUSTERS, not {type(value).__name__}"
        raise InvalidArgument("operation", words)


def integer(field: str, value: object, *, least: int) -> int:
    """A whole number from `least` to GraphQL's largest Int; True and 1.0 are rejected."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(field, f"must be a whole number, not {type(value).__name__}")
    if not least <= value <= MAX_INT:
        raise InvalidArgument(field, f"must be from {least} to {MAX_INT}, not {value}")
    return value


def dollars(field: str, value: object) -> Decimal:
    """A finite amount above zero, as the decimal that was written: 0.2 is 0.2 and not 0.2000…011."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidArgument(field, f"must be a number of US dollars, not {type(value).__name__}")
    amount = Decimal(str(value))
    if not amount.is_finite() or amount <= 0 or amount > MAX_INT:
        raise InvalidArgument(field, f"must be a finite number of US dollars above 0, not {value}")
    return amount


def seconds(field: str, value: object, *, zero: bool = False) -> float:
    """A finite duration above zero, or from zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgument(field, f"must be a number of seconds, not {type(value).__name__}")
    if not _finite(value) or value < 0 or (value == 0 and not zero):
        raise InvalidArgument(field, f"must be a finite number of seconds {'from' if zero else 'above'} 0, not {value}")
    return float(value)


def _finite(value: float) -> bool:
    return abs(value) <= sys.float_info.max  # also of an integer that is no float


def moment(field: str, value: object) -> float:
    """A date and time with its zone, in seconds since 1970; without a zone nobody knows which moment is meant."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        kind = "one without a time zone" if isinstance(value, datetime) else type(value).__name__
        raise InvalidArgument(field, f"must be a datetime with a time zone, as in datetime.now(UTC), not {kind}")
    return value.timestamp()


def rate(field: str, value: object) -> float:
    """A finite number a second, above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgument(field, f"must be a number a second, not {type(value).__name__}")
    if not _finite(value) or value <= 0:
        raise InvalidArgument(field, f"must be a finite number a second above 0, not {value}")
    return float(value)


def path(field: str, value: Any) -> str:
    """A path of a file."""
    found: object = value.__fspath__() if hasattr(value, "__fspath__") else value
    if not isinstance(found, str):
        raise InvalidArgument(field, f"must be a path, not {type(value).__name__}")
    return found


def transport(value: Any) -> Any:
    """An object that sends requests as httpx's transports do."""
    if not callable(getattr(value, "handle_async_request", None)):
        raise InvalidArgument("transport", f"must be an httpx.AsyncBaseTransport, not {type(value).__name__}")
    return value


def gate(value: Any) -> Any:
    """An object with the methods of a `Gate`."""
    for name in ("turn", "refused", "accepted"):
        if not callable(getattr(value, name, None)):
            raise InvalidArgument("gate", f"must have the methods of tensorone.Gate; it has no {name}()")
        if iscoroutinefunction(getattr(value, name)):
            words = "return an asynchronous context manager" if name == "turn" else "be a plain function"
            raise InvalidArgument("gate", f"{name}() must {words}: it is called and not awaited")
    return value


def not_above(field: str, value: float, bound: str, most: float, *, default: float) -> None:
    """A first pause that is no longer than the longest; where only a short longest one was given, the first shrinks."""
    if most < value != default:
        raise InvalidArgument(field, f"{value:g} s are more than {bound}={most:g}, which bounds it")


def port(field: str, value: object) -> str:
    """A port such as `"8888/http"`: a number from 1 to 65535 and http, tcp or udp."""
    match = _PORT.fullmatch(text(field, value))
    if match is None or not 1 <= int(match[1]) <= MAX_PORT:
        raise InvalidArgument(
            field,
            f"{value!r} is not a valid port: write a number from 1 to {MAX_PORT} and a protocol, as in '8888/http'",
        )
    return f"{int(match[1])}/{match[2]}"


def port_number(field: str, value: object) -> int:
    """A port by its number alone: from 1 to 65535."""
    number = integer(field, value, least=1)
    if number > MAX_PORT:
        raise InvalidArgument(field, f"must be from 1 to {MAX_PORT}, not {number}")
    return number


def opened(port: int | None, ports: Iterable[str], *, by: str = "the spec") -> None:
    """A port to wait for: one of those that a spec or a cluster opens, if it opens any; another is never mapped."""
    if port is None:
        return
    port_number("port", port)
    names = [each.partition("/")[0] for each in ports]
    if names and str(port) not in names:
        advice = f"add '{port}/tcp' to its ports" if by == "the spec" else "wait for one of these, or rent another one"
        words = f"{port} would never be mapped: {by} opens {', '.join(ports)} only; {advice}"
        raise InvalidArgument("port", words)


def flag(field: str, value: object) -> None:
    """True or False, and not what only counts as one of them: ``"false"`` is true, and None is false."""
    if not isinstance(value, bool):
        raise InvalidArgument(field, f"must be True or False, not {type(value).__name__}")


def hook(field: str, value: object) -> None:
    """A plain function, or None; of an async function or a generator function, a call alone runs nothing."""
    if value is None:
        return
    if not callable(value):
        raise InvalidArgument(field, f"must be a function, not {type(value).__name__}")
    runs_nothing = (iscoroutinefunction, isasyncgenfunction, isgeneratorfunction)
    if any(each(value) or each(type(value).__call__) for each in runs_nothing):
        raise InvalidArgument(field, "must be a plain function: it is called and not awaited")


def unawaited(returned: object) -> str | None:
    """What a plain function returned to be awaited, in words; it is closed. None for all else, and for tasks."""
    if not isawaitable(returned) or hasattr(returned, "add_done_callback"):  # which run by themselves
        return None
    if iscoroutine(returned):
        returned.close()
        return "a coroutine"
    return "an awaitable"


def answer(field: str, function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """What a caller's function answers, on which something depends: nothing that would have to be awaited."""
    returned = function(*args, **keywords)
    if returned is not None and (what := unawaited(returned)):
        raise InvalidArgument(field, f"returned {what}, which nothing awaits: make it a plain function")
    return returned


def name(field: str, value: object) -> None:
    """A name with single hyphens, which two of them can be joined by."""
    if not _PARTS.fullmatch(text(field, value)):
        raise InvalidArgument(field, f"{value!r} must be of letters, digits and '_', with single '-' in between")


def mapping(field: str, value: Any) -> dict[Any, Any]:
    """A copy of a mapping: no list of pairs, in which a name may stand twice."""
    if not isinstance(value, Mapping):
        raise InvalidArgument(field, f"must be a mapping, not {type(value).__name__}")
    return dict(value)  # pyright: ignore[reportUnknownArgumentType] - whatever it maps


def environment(field: str, value: Any) -> dict[str, str]:
    """Names without `=` or spaces, and string values; an error names the variable, never its value."""
    try:
        items = dict(value).items()
    except (TypeError, ValueError):
        raise InvalidArgument(field, "must be a mapping of names to strings") from None
    checked: dict[str, str] = {}
    for name, content in items:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            problem = "is not a valid variable name: it must not be empty or contain '=' or spaces"
            shown = repr(name.partition("=")[0] + "=…") if isinstance(name, str) and "=" in name else repr(name)
            raise InvalidArgument(field, f"{shown} {problem}")
        checked[text(field, name)] = text(f"{field}[{name!r}]", content, empty=True)
    return checked


def one_of(field: str, value: object, literal: object) -> None:
    """One of the strings of a `Literal`."""
    if value not in get_args(literal):
        raise InvalidArgument(field, f"must be {_either(get_args(literal))}, not {value!r}")


def instance(field: str, value: object, kind: type[T], words: str) -> T:
    """An object of a class; `words` say how to create one."""
    if not isinstance(value, kind):
        article = "an" if words[0] in "AEIO" else "a"
        raise InvalidArgument(field, f"must be {article} {words}, not {type(value).__name__}")
    return value


def _either(words: Sequence[str]) -> str:
    *others, last = map(repr, words)
    return f"{', '.join(others)} or {last}"
