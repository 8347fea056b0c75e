"""`client.templates`: settings saved under a name, for clusters and serverless workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._account import templates

if TYPE_CHECKING:
    from tensorone._account.templates import TemplateSpec
    from tensorone._generated import Template
    from tensorone._session.session import Session

__all__ = ["Templates"]


class Templates:
    """Saved settings. Nothing here bills anything."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def save(self, spec: TemplateSpec, *, template_id: str | None = None) -> Template:
        """Creates a template, or changes an existing one. Sent once; bills nothing.

        Args:
            spec: The whole template; fields that are left out do not keep their old values.
            template_id: The template to change; without it one is created.

        Raises:
            QueryError: The server refused, for instance because another template has the name.
            OperationUnsupported: The server has no templates; every other call still works.
            OutcomeUnknown: The answer was lost; the template may have been saved.

        Source: ``saveTemplate`` of the Tensor One documentation.
        """
        return await templates.save(self._session, spec, template_id=template_id)

    async def delete(self, name: str) -> None:
        """Deletes a template by its name. Sent once; bills nothing.

        Args:
            name: Its unique name, not its id.

        Raises:
            QueryError: There is no such template, or it is in use, or was until two minutes ago.
            OperationUnsupported: The server has no templates; every other call still works.
            OutcomeUnknown: The answer was lost; the template may be gone.

        Source: ``deleteTemplate`` of the sibling API, by analogy; the Tensor One documentation names it.
        """
        await templates.delete(self._session, name)
