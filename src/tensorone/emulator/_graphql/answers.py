"""Answers before they become HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from .documents import BadRequest, formatted


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON of an answer."""

    status: int
    content: dict[str, Any]

    def response(self) -> Response:
        """As HTTP; in plain ASCII, for what a client sends may hold lone surrogates, and comes back."""
        return Response(json.dumps(self.content), self.status, media_type="application/json")


def refused(error: BadRequest) -> Answer:
    """The answer to a request refused as a whole."""
    return Answer(400, {"errors": [formatted(each, error.code) for each in error.errors]})
