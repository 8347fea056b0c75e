"""Removes the API key and environment values from everything that is shown."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import logging
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, quote_plus

from ._data.hidden import MASK, HiddenText, opened
from ._data.json import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


SHORTEST = 4  # a shorter value is part of too many innocent words to be masked

V = TypeVar("V")

E = TypeVar("E", bound=BaseException)


# KEY=value as the API lists environments, and "value": "…" as it receives them, in a body that may be cut anywhere.
_LISTED = re.compile(r'"([A-Za-z_][\w.-]*)=(?:[^"\\]|\\.)*("|\\?$)')

_PAIRED = re.compile(r'("value"\s*:\s*")(?:[^"\\]|\\.)*("|\\?$)')


# "env": {"KEY": "value"}, as no server is known to write it.
_MAPPED = re.compile(r'("env"\s*:\s*)\{(?:[^"}]|"(?:[^"\\]|\\.)*("|\\?$))*(?:\}|$)')


# Loggers of httpcore: a server that redirects repeats the request's query, key and all.
_SHOWING_HEADERS = ("httpcore.http11", "httpcore.http2", "httpcore.proxy")


class _Mask(logging.Filter):
    """Masks keys in what is logged at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        words = record.getMessage()
        masked = re.sub(r"(api_key=)[^&\s'\"]+", rf"\1{MASK}", words)
        if masked != words:
            record.msg, record.args = masked, ()
        return True


_MASK = _Mask()


def mask_logged_keys() -> None:
    """Keeps keys out of what httpcore logs; safe to repeat."""
    for name in _SHOWING_HEADERS:
        logging.getLogger(name).addFilter(_MASK)


class Redactor:
    """Blanks a few known values wherever they appear."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
        self._pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def text(self, words: str) -> str:
        """The same words without the values."""
        return self._pattern.sub(MASK, words) if self._pattern else words

    def tree(self, data: Any) -> Any:
        """The same JSON data without the values, and without the value of any environment variable."""
        if isinstance(data, str):
            return self.text(data)
        if (items := as_array(data)) is not None:
            return [self.tree(item) for item in items]
        if (fields := as_object(data)) is not None:
            return {name: _names(item) if name == "env" else self.tree(item) for name, item in fields.items()}
        return data

    def excerpt(self, content: bytes, length: int = 300) -> str:
        """The beginning of a body, as text that can be shown."""
        start = content[: 16 * length].decode("utf-8", "replace")
        masked = _PAIRED.sub(rf"\1{MASK}\2", _LISTED.sub(rf'"\1={MASK}\2', self.text(start)))
        return _MAPPED.sub(rf'\1"{MASK}"', masked)[:length]


def _forms(value: str) -> set[str]:
    """The value as such, as JSON and Python write it inside quotes, and as it stands in a URL."""
    written = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], str.__repr__(value)[1:-1]}
    text = value.encode("utf-8", "surrogatepass")
    return written | {quote(text), quote(text, safe=""), quote_plus(text)}


def _names(env: Any) -> Any:
    items = as_array(env)
    if items is None:
        return None if env is None else MASK
    return [f"{item.partition('=')[0]}={MASK}" if isinstance(item, str) else MASK for item in items]


class Kept:
    """The variables of one request, for the case that it fails; no repr shows them."""

    __slots__ = ("variables",)

    def __init__(self, variables: Mapping[str, object]) -> None:
        self.variables = variables


Values = Mapping[str, object] | Kept


def env_values(variables: object) -> Iterator[str]:
    """The secrets among the variables of one request: whatever stands under a key `env`, and every `HiddenText`."""
    if isinstance(variables, Kept):
        variables = variables.variables
    if isinstance(variables, HiddenText):
        yield variables
    for name, item in (as_object(variables) or {}).items():
        yield from _values(item) if name == "env" else env_values(item)
    for item in as_array(variables) or ():
        yield from env_values(item)


def _values(env: object) -> Iterator[str]:
    if isinstance(env, str):
        yield env
    for name, item in (as_object(env) or {}).items():
        if name != "key":
            yield from _values(item)
    for item in as_array(env) or ():
        yield from _values(item)


def without_frames(error: E) -> E:
    """The error as if it were raised here: the frames below hold values that a traceback of locals would show."""
    error.__context__ = None
    return error.with_traceback(None)


def forgetful(cls: type[V]) -> type[V]:
    """A class whose constructor refuses values without keeping them: some of them may be secret."""
    construct: Callable[..., None] = cls.__init__

    @functools.wraps(construct)
    def __init__(self: object, **given: object) -> None:  # noqa: N807 - it takes the place of the method
        try:
            construct(self, **given)
        except Exception as error:  # noqa: BLE001 - raised again, whatever it is
            given.clear()
            del self  # half made
            raise without_frames(error) from None

    setattr(cls, "__init__", __init__)  # noqa: B010 - type checkers go on with the one that it wraps
    setattr(cls, "__deepcopy__", _copied)  # noqa: B010 - likewise
    return cls


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    """A deep copy of a frozen value with its secrets, which those of its mappings hide when they are copied alone."""
    made = copy.copy(self)
    for field in dataclasses.fields(self):
        value = copy.deepcopy(getattr(self, field.name), memo)
        object.__setattr__(made, field.name, opened(value))
    return made


class _Process(Mapping[str, str]):
    """The variables of this process, as they are now."""

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)

    def __repr__(self) -> str:
        return "os.environ"


ENVIRON: Mapping[str, str] = _Process()
"""`os.environ`, of which no repr shows a value."""
