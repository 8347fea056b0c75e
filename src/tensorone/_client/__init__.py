"""`TensorOne`: its configuration and lifetime, and what it is put together from. Stands on the namespaces."""
