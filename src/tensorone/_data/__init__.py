"""Plain data: JSON of unknown shape, errors as JSON, frozen rows, hidden values. Stands on nothing of ours."""
