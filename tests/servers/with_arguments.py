"""Gives the fields of the code that strawberry makes from a schema their arguments, which it leaves out.

    python with_arguments.py SCHEMA.graphql MADE.py
"""

import re
import sys
from pathlib import Path

from graphql import GraphQLObjectType, build_schema

SCALARS = {"String": "str", "ID": "strawberry.ID", "Int": "int", "Float": "float", "Boolean": "bool"}


def snake(name):
    """As strawberry writes names."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def hint(type_):
    """The type of an argument, which may be left out where it is nullable."""
    text = str(type_)
    named = SCALARS.get(text.rstrip("!"), text.rstrip("!"))
    return named if text.endswith("!") else f"{named} | None = None"


schema, made = build_schema(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
text = made.read_text()
for kind in schema.type_map.values():
    if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
        continue
    for name, field in kind.fields.items():
        if field.args:
            arguments = ", ".join(f"{snake(arg)}: {hint(each.type)}" for arg, each in field.args.items())
            text, count = re.subn(
                rf"^    {snake(name)}: (.*?) = strawberry\.field\(.*\)$",
                rf"    @strawberry.field\n    def {snake(name)}(self, {arguments}) -> \1:\n        return None",
                text,
                flags=re.MULTILINE,
            )
            assert count == 1, name
made.write_text(text)
