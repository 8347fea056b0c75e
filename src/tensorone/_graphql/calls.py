"""The calls that users make, by the operations that they send: errors speak of the former. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tensorone._errors import TensorOneError, reworded

if TYPE_CHECKING:
    from collections.abc import Mapping


# What only loops send, such as the prices behind `spot.acquire`, keeps the operation's own name, as a user's own does.
CALLS: Mapping[str, str] = {
    "DeleteEndpoint": "endpoints.delete",
    "DeleteTemplate": "templates.delete",
    "DeployCluster": "clusters.deploy",
    "GetAccount": "account.get",
    "GetCluster": "clusters.get",
    "GetClusterPorts": "clusters.ensure_running",
    "GetClusters": "clusters.get_many",
    "GetGpuType": "gpu_types.get",
    "GetGpuTypes": "spot.quotes",
    "ListClusterCosts": "clusters.bills",
    "ListClusters": "clusters.list",
    "ListEndpoints": "endpoints.list",
    "ListGpuTypes": "gpu_types.list",
    "Probe": "check_schema",
    "RentSpotCluster": "spot.rent",
    "ResumeCluster": "clusters.resume",
    "ResumeSpotCluster": "spot.resume",
    "SaveEndpoint": "endpoints.save",
    "SaveTemplate": "templates.save",
    "StopCluster": "clusters.stop",
    "TerminateCluster": "clusters.terminate",
}


def name(operation: str) -> str:
    """The call that sends an operation; the operation's own name where there is none."""
    return CALLS.get(operation, operation)


def named(call: str) -> _Named:
    """A block whose errors name `call` where they name another: it sends what other calls send too, or loops."""
    return _Named(call)


def renamed(error: TensorOneError, call: str) -> TensorOneError:
    """The error of `call`, where it names another call; the same error where it names none. Pure."""
    words, operation = str(error), error.operation
    begins = _CALL.match(words)
    end = begins.end() if begins else len(operation) if operation and words.startswith(f"{operation}:") else 0
    return error if not end or words[:end] == call else reworded(error, call + words[end:])


_CALL = re.compile(r"(?:account|clusters|endpoints|gpu_types|spot|templates)\.[a-z_]+(?=: | may have happened)")


class _Named:
    """No generator, which would cost each call more."""

    __slots__ = ("_call",)

    def __init__(self, call: str) -> None:
        self._call = call

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, TensorOneError) and (other := renamed(error, self._call)) is not error:
            raise other.with_traceback(error.__traceback__) from error.__cause__
