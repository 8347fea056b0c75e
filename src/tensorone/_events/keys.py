"""The attributes of events, spans and metrics: one key each, by OpenTelemetry's conventions where there are any."""

from __future__ import annotations

OPERATION = "graphql.operation.name"
OPERATION_TYPE = "graphql.operation.type"
ADDRESS = "server.address"
PORT = "server.port"
ERROR = "error.type"
STATUS = "http.response.status_code"
RESENDS = "http.request.resend_count"
REQUEST_ID = "tensorone.request_id"
CALL = "tensorone.call"
OUTCOME = "tensorone.outcome"
QUEUED = "tensorone.queue.seconds"
PAUSED = "tensorone.pause.seconds"
WAITING = "tensorone.queue.length"
CLUSTER = "tensorone.cluster.id"
CLUSTERS = "tensorone.cluster.ids"
TOKEN = "tensorone.client_token"  # noqa: S105 - a name
GPU = "tensorone.gpu.type"
PRICE = "tensorone.usd_per_hour"
BID = "tensorone.bid_per_gpu"
KIND = "tensorone.kind"
ITEMS = "tensorone.items"
FAILED = "tensorone.failed"
EVENT = "tensorone.event"  # in the log alone: the event's name
