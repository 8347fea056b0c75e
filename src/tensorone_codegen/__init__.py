"""Generates the typed GraphQL package: for this SDK, and for a project's own operations.

Used as `python -m tensorone_codegen`; needs the extra `codegen`.
"""

from importlib.util import find_spec

if find_spec("ariadne_codegen") is None:  # pragma: no cover - tested in an environment without it
    raise ImportError("the generator needs an extra: pip install 'tensorone[codegen]'")
