"""The texts of the service's refusals, as recorded from the sibling API where a record exists."""

from __future__ import annotations

from typing import Literal

Wording = Literal["pod", "cluster"]

NO_CAPACITY = (
    "There are no longer any instances available with the requested specifications. Please refresh and try again."
)
NO_SPOT_CAPACITY = (
    "There are no longer any instances available with the request specifications. Please try again later."
)
NO_DISK = "There are no longer any instances available with enough disk space."
NO_FREE_GPUS = "There are not enough free GPUs on the host machine to start this pod."
MACHINE_FULL = "This machine does not have the resources to deploy your pod. Please try a different machine"
SPOT_AS_ON_DEMAND = "Cannot resume a spot pod as an on demand pod."
NOT_FOUND_TO_TERMINATE = "pod not found to terminate"
UNAUTHORIZED = "Unauthorized"
INTERNAL = "Something went wrong. Please try again later or contact support."
# No record of these exists; docs/emulator.md lists them as assumed.
ON_DEMAND_AS_SPOT = "Cannot resume an on demand pod as a spot pod."
NOT_FOUND = "pod not found"
BID_TOO_LOW = "The bid of ${bid} per GPU is below the minimum bid price of ${minimum}."
NO_CREDIT = "Your balance does not cover one hour of this pod. Please add funds."
TEMPLATE_NAME_TAKEN = "Template name must be unique."
TEMPLATE_WITH_VOLUME = "Serverless templates must have a volume of 0 GB."
TEMPLATE_NOT_FOUND = "Template not found."
TEMPLATE_IN_USE = "Template is in use."
ENDPOINT_NOT_FOUND = "Endpoint not found."
ENDPOINT_WITH_WORKERS = "Set workersMin and workersMax to 0 before deleting an endpoint."


class Refusal(Exception):
    """The world refuses an operation; becomes an entry of `errors` at HTTP 200.

    Args:
        message: The text, which calls a cluster a pod.
        code: `extensions.code`.
    """

    def __init__(self, message: str, code: str = "RUNPOD") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def reword(text: str, wording: Wording) -> str:
    """The text in the wording chosen: whether Tensor One says cluster where its sibling says pod is unknown."""
    return text if wording == "pod" else text.replace("pod", "cluster").replace("POD_", "CLUSTER_")
