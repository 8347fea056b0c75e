"""What GPUs cost, what to bid for them, and what was tried. Stands on `_session` and what is below it."""
