"""What a Temporal client and its workers need to carry the kit's values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from temporalio.plugin import SimplePlugin
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tensorone import ConfigurationError

from ._converter import converting

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.worker import WorkflowRunner

# Pure or immutable: the sandbox need not load them again for each workflow. Where it does, pydantic does not find the
# types that the SDK imports lazily, and the workflow hangs.
PASSED_THROUGH = ("tensorone", "tensorone_graphql", "anyio", "httpx", "pydantic", "pydantic_core", "annotated_types")


class TensorOnePlugin(SimplePlugin):
    """For ``Client.connect(…, plugins=[TensorOnePlugin()])``; workers of that client take it over.

    It sets three things. The data converter reads and writes the values of `tensorone.fleet` as JSON by pydantic, and
    keeps a codec that encrypts. Errors of the SDK become an `ApplicationError` with their whole `to_json` as details,
    not to be retried unless `repeatable`, and after `retry_after` where the server asks for that; `original_error`
    gives them back. The workflow sandbox passes the SDK's modules through.

    It also serves workflows of your own that use the SDK.
    """

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - activities of any kind, which are not given
            "tensorone.TensorOnePlugin", data_converter=converting, workflow_runner=_runner
        )


def with_plugin(temporal: Client) -> Client:
    """A client that can carry the kit's values.

    Raises:
        ConfigurationError: It cannot.
    """
    if not any(isinstance(each, TensorOnePlugin) for each in temporal.config()["plugins"]):
        raise ConfigurationError("the client of Temporal has no plugin: Client.connect(…, plugins=[TensorOnePlugin()])")
    return temporal


def _runner(before: WorkflowRunner | None) -> WorkflowRunner:
    if before is None:
        before = SandboxedWorkflowRunner()
    if not isinstance(before, SandboxedWorkflowRunner):
        return before  # without a sandbox nothing needs to pass
    return replace(before, restrictions=before.restrictions.with_passthrough_modules(*PASSED_THROUGH))
