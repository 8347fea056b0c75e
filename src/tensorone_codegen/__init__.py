"""Generates the typed GraphQL package: for this SDK, and for a project's own operations.

Used as `python -m tensorone_codegen`; needs the extra `codegen`.

PYTEST_DONT_REWRITE: a program may import it before it starts pytest, which would warn otherwise.
"""

import sys
from importlib.util import find_spec

if find_spec("ariadne_codegen") is None:  # pragma: no cover - tested in an environment without it
    problem = "the generator needs an extra: pip install 'tensorone[codegen]'"
    if sys.argv[:1] == ["-m"]:
        # A command answers in a line; the status is that of its other mistakes.
        sys.stderr.write(f"{problem}\n")
        sys.exit(4)
    raise ImportError(problem)
