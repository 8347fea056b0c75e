"""What a client tells while it works: values with one line of text each, and the three sinks that they go to.

Stands on the errors and the checks alone, so that every wing may tell; only this wing knows OpenTelemetry.
"""
