"""What stops the generator, in words for the person who called it."""

from __future__ import annotations


class CodegenError(Exception):
    """The run was stopped; nothing was changed."""
