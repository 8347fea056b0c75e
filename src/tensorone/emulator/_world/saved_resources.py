"""Templates and serverless endpoints, which are only saved: no worker runs, and nothing is billed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from tensorone.emulator._market.hosts import new_id
from tensorone.emulator._refusals import (
    ENDPOINT_NOT_FOUND,
    ENDPOINT_WITH_WORKERS,
    TEMPLATE_IN_USE,
    TEMPLATE_NAME_TAKEN,
    TEMPLATE_NOT_FOUND,
    TEMPLATE_WITH_VOLUME,
    Refusal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


Record = dict[str, Any]


class Saved:
    """The templates and endpoints of the account.

    Attributes:
        templates: By id, as the API shows them.
        endpoints: By id, likewise.
    """

    def __init__(self, seed: int) -> None:
        self.templates: dict[str, Record] = {}
        self.endpoints: dict[str, Record] = {}
        self._rng = random.Random(f"{seed}/saved")  # noqa: S311 - a world, no secret

    def save_template(self, fields: Mapping[str, Any]) -> Record:
        """Creates or changes a template.

        Raises:
            Refusal: Another template has its name, its id is unknown, or it is serverless and has a volume.
        """
        template_id = fields.get("id") or new_id(self._rng, 10)
        if any(each["name"] == fields["name"] and each["id"] != template_id for each in self.templates.values()):
            raise Refusal(TEMPLATE_NAME_TAKEN)
        if fields.get("id") and template_id not in self.templates:
            raise Refusal(TEMPLATE_NOT_FOUND)
        if fields.get("isServerless") and fields["volumeInGb"]:
            raise Refusal(TEMPLATE_WITH_VOLUME)
        self.templates[template_id] = {"isServerless": False, **fields, "id": template_id}
        return self.templates[template_id]

    def delete_template(self, name: str | None) -> None:
        """Deletes a template by its name.

        Raises:
            Refusal: It does not exist, or an endpoint uses it.
        """
        found = [each["id"] for each in self.templates.values() if each["name"] == name]
        if not found:
            raise Refusal(TEMPLATE_NOT_FOUND)
        if any(each["templateId"] in found for each in self.endpoints.values()):
            raise Refusal(TEMPLATE_IN_USE)
        del self.templates[found[0]]

    def save_endpoint(self, fields: Mapping[str, Any]) -> Record:
        """Creates or changes an endpoint.

        Raises:
            Refusal: Its template or its id is unknown.
        """
        endpoint_id = fields.get("id") or new_id(self._rng, 14)
        if fields["templateId"] not in self.templates:
            raise Refusal(TEMPLATE_NOT_FOUND)
        if fields.get("id") and endpoint_id not in self.endpoints:
            raise Refusal(ENDPOINT_NOT_FOUND)
        defaults = {"idleTimeout": 5, "scalerType": "QUEUE_DELAY", "scalerValue": 4, "workersMax": 3, "workersMin": 0}
        self.endpoints[endpoint_id] = {**defaults, **fields, "id": endpoint_id}
        return self.endpoints[endpoint_id]

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Deletes an endpoint whose worker limits are 0.

        Raises:
            Refusal: It does not exist, or may have workers.
        """
        endpoint = self.endpoints.get(endpoint_id)
        if endpoint is None:
            raise Refusal(ENDPOINT_NOT_FOUND)
        if endpoint["workersMin"] or endpoint["workersMax"]:
            raise Refusal(ENDPOINT_WITH_WORKERS)
        del self.endpoints[endpoint_id]
