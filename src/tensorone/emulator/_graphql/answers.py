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

    def response(self, media_type: str) -> Response:
        """As HTTP, in ASCII: a client's text may contain lone surrogates, which UTF-8 cannot encode."""
        return Response(json.dumps(self.content), self.status, media_type=media_type)


def refused(error: BadRequest) -> Answer:
    """The answer to a request that is refused as a whole."""
    return Answer(400, {"errors": [formatted(each, error.code) for each in error.errors]})
