"""Plain data: JSON of unknown shape, errors as JSON, a frozen sequence, values that no repr shows. Stands on nothing of ours."""
