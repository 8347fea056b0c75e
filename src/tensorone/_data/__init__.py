"""Plain data: JSON of unknown shape, errors as JSON, a frozen sequence. Stands on nothing of ours."""
