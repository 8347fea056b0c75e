"""What ariadne-codegen makes of schema and operations, and what our plugin makes of that. Stands on `_project`."""
