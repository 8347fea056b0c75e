"""From one schema to the next: what changed, what it breaks, and the update itself. Stands on every other wing."""
