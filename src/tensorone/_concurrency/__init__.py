"""Tasks, outcomes and shields; knows nothing of the service. Stands on the ground alone."""
