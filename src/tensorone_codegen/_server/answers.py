"""What a server says, read whatever its shape, without the key and without what steers a terminal. Pure."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tensorone._data.json import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Mapping


EXCERPT = 300


SHORTEST = 6  # a shorter key is not valid, and would remove parts of innocent words


# What a description keeps of it; a message is one line.
LINES = "\n\t"


_STEERING = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a GraphQL server.

    Attributes:
        status: Of HTTP.
        data: As it came.
        errors: As they came; those that are not objects became objects.
    """

    status: int
    data: Any
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def messages(self) -> tuple[str, ...]:
        """What the errors say."""
        return tuple(map(message, self.errors))

    @property
    def words(self) -> str:
        """The same on one line."""
        return "; ".join(self.messages)


def message(error: Mapping[str, Any]) -> str:
    """What one error says; all of it, if it has no message."""
    return str(error.get("message", error))


class Cleaner:
    """Takes a key and control characters out of everything that a server says.

    Args:
        key: The key, or nothing; it is found as such and as URLs, JSON and HTML write it.
    """

    def __init__(self, key: str = "") -> None:
        self._key = re.compile("".join(map(_spellings, key)), re.IGNORECASE) if len(key) >= SHORTEST else None

    def text(self, words: str, keep: str = "") -> str:
        """The words on one line, but for the control characters that are kept."""
        shown = _STEERING.sub("", words)
        shown = "".join(each if each.isprintable() or each in keep else " " for each in shown)
        return self._key.sub("***", shown) if self._key else shown

    def excerpt(self, words: str) -> str:
        """The beginning of a text."""
        return " ".join(self.text(words).split())[:EXCERPT]

    def tree(self, content: Any, keep: str = "") -> Any:
        """The same JSON content, cleaned."""
        if isinstance(content, str):
            return self.text(content, keep)
        if (items := as_array(content)) is not None:
            return [self.tree(each, keep) for each in items]
        if (fields := as_object(content)) is not None:
            return {self.text(name): self.tree(each, keep) for name, each in fields.items()}
        return content

    def reply(self, status: int, content: bytes) -> Reply | None:
        """An answer, if it is GraphQL."""
        try:
            body = as_object(json.loads(content))
            if body is None or not {"data", "errors"} & body.keys():
                return None
            return Reply(status, self.tree(body.get("data"), LINES), _errors(self.tree(body.get("errors"))))
        # What is nested too deeply to be read is not an answer either.
        except (ValueError, RecursionError):
            return None


def _errors(errors: Any) -> tuple[Mapping[str, Any], ...]:
    listed = as_array(errors) or ([errors] if errors else [])
    return tuple(as_object(each) or {"message": str(each)} for each in listed)


def _spellings(character: str) -> str:
    """How one character of a key may be written."""
    known = {character, json.dumps(character)[1:-1], html.escape(character), "+" if character == " " else character}
    return f"(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))}|%(?:25)*{ord(character):02x})"
