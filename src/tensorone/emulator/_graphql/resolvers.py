"""Binds the schema to the world: tables of fields and the functions that answer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ariadne import ObjectType, ScalarType, SchemaBindable
from graphql import GraphQLObjectType

from tensorone.emulator._market.cluster import Cluster, Order
from tensorone.emulator._refusals import UNAUTHORIZED, Refusal

from .orders import dollars, order
from .telemetry import runtime

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from graphql import GraphQLNamedType, GraphQLResolveInfo, GraphQLSchema

    from tensorone.emulator._market.catalogue import GpuModel
    from tensorone.emulator._world.world import World


Input = Mapping[str, Any]


Right = Literal["query", "mutation"]


Resolver = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Context:
    """What resolvers know about the request.

    Attributes:
        rights: Kinds of operation the key allows; None without a key.
    """

    world: World
    rights: frozenset[Right] | None


def _gpu_types(world: World, fields: Input) -> list[GpuModel]:
    ids = fields.get("ids")
    wanted = {fields["id"]} if fields.get("id") is not None else None if ids is None else set(ids)
    return [model for model in world.gpu_models if wanted is None or model.id in wanted]


def _resume(world: World, fields: Input) -> Cluster:
    bid = dollars(fields["bidPerGpu"]) if "bidPerGpu" in fields else None
    return world.resume(fields["clusterId"], gpu_count=fields.get("gpuCount"), bid=bid)


def _machine(world: World, cluster: Cluster) -> dict[str, Any]:
    host = world.host(cluster.machine_id)
    model = next(model for model in world.gpu_models if model.id == host.gpu_type_id)
    return {
        "clusterHostId": f"{cluster.id}-{cluster.host_number}",
        "gpuDisplayName": model.display_name,
        "gpuTypeId": host.gpu_type_id,
        "gpuAvailable": world.free_gpus(host.machine_id),
        "dataCenterId": host.data_center_id,
        "secureCloud": host.cloud == "SECURE",
    }


def _bid_to_resume(world: World, cluster: Cluster) -> float | None:
    return _money(world.bid_to_resume(cluster)) if cluster.spot and not cluster.running else None


def _status_change(world: World, cluster: Cluster) -> str:
    date = world.date(cluster.changed_at)
    return f"{cluster.status_change}: {date:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def _lowest_price(world: World, model: GpuModel, fields: Input) -> dict[str, Any]:
    secure = fields.get("secureCloud")
    quote = world.quote(
        Order(
            image_name="",
            gpu_type_id=model.id,
            gpu_count=fields.get("gpuCount") or 1,
            clouds=("SECURE", "COMMUNITY") if secure is None else ("SECURE",) if secure else ("COMMUNITY",),
            vcpus=fields.get("minVcpuCount") or 0,
            memory_in_gb=fields.get("minMemoryInGb") or 0,
            container_disk_in_gb=0,
            volume_in_gb=0,
        )
    )
    return {
        "minimumBidPrice": _money(quote.minimum_bid),
        "uninterruptablePrice": _money(quote.fixed_price),
        "stockStatus": quote.stock,
    }


def _money(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


# Resolvers of root fields receive the world and their input; null counts as an input without fields.
_QUERIES: dict[str, Callable[[World, Input], object]] = {
    "myself": lambda world, _: world,
    "cluster": lambda world, fields: world.read(fields.get("clusterId", "")),
    "gpuTypes": _gpu_types,
}


_MUTATIONS: dict[str, Callable[[World, Input], object]] = {
    "clusterFindAndDeployOnDemand": lambda world, fields: world.deploy(order(fields)),
    "clusterRentInterruptable": lambda world, fields: world.deploy(order(fields)),
    "clusterResume": _resume,
    "clusterBidResume": _resume,
    "clusterStop": lambda world, fields: world.stop(fields["clusterId"]),
    "saveTemplate": lambda world, fields: world.saved.save_template(fields),
    "deleteTemplate": lambda world, fields: world.saved.delete_template(fields.get("templateName")),
    "saveEndpoint": lambda world, fields: world.saved.save_endpoint(fields),
    "deleteEndpoint": lambda world, fields: world.saved.delete_endpoint(fields["id"]),
    "clusterTerminate": lambda world, fields: world.terminate(fields["clusterId"]),
}


# Resolvers of other fields receive the world and the object that has the field.
_USER: dict[str, Callable[[World, World], object]] = {
    "id": lambda _, __: "user_tensorone_emulator",
    "clientBalance": lambda world, _: _money(world.balance),
    "currentSpendPerHr": lambda world, _: _money(world.spend_per_hour),
    "clusters": lambda world, _: world.read_list(),
    "endpoints": lambda world, _: list(world.saved.endpoints.values()),
}


_CLUSTER: dict[str, Callable[[World, Cluster], object]] = {
    "name": lambda _, cluster: cluster.order.name,
    "imageName": lambda _, cluster: cluster.order.image_name,
    "env": lambda _, cluster: [f"{key}={value}" for key, value in cluster.order.env],
    "desiredStatus": lambda _, cluster: cluster.desired_status,
    "machineId": lambda _, cluster: cluster.machine_id,
    "machine": _machine,
    "runtime": lambda world, cluster: runtime(cluster, world.now),
    "costPerHr": lambda world, cluster: float(sum(world.rates(cluster).values())),
    "lowestBidPriceToResume": _bid_to_resume,
    "clusterType": lambda _, cluster: "INTERRUPTABLE" if cluster.spot else "RESERVED",
    "gpuCount": lambda _, cluster: cluster.gpu_count,
    "vcpuCount": lambda _, cluster: cluster.order.vcpus,
    "memoryInGb": lambda _, cluster: cluster.order.memory_in_gb,
    "containerDiskInGb": lambda _, cluster: cluster.order.container_disk_in_gb,
    "volumeInGb": lambda _, cluster: cluster.order.volume_in_gb,
    "volumeMountPath": lambda _, cluster: cluster.order.volume_mount_path,
    "dockerArgs": lambda _, cluster: cluster.order.docker_args,
    "ports": lambda _, cluster: cluster.order.ports,
    "createdAt": lambda world, cluster: world.date(cluster.created_at),
    "lastStartedAt": lambda world, cluster: world.date(cluster.started_at),
    "lastStatusChange": _status_change,
}


_GPU_TYPE: dict[str, Callable[[World, GpuModel], object]] = {
    "displayName": lambda _, model: model.display_name,
    "memoryInGb": lambda _, model: model.memory_in_gb,
    "secureCloud": lambda _, model: model.secure_price is not None,
    "communityCloud": lambda _, model: model.community_price is not None,
    "maxGpuCount": lambda world, model: max((h.gpus for h in world.hosts if h.gpu_type_id == model.id), default=0),
    "securePrice": lambda _, model: _money(model.secure_price),
    "communityPrice": lambda _, model: _money(model.community_price),
    "secureSpotPrice": lambda world, model: model.secure_price and _money(world.minimum_bid(model.id)),
    "communitySpotPrice": lambda world, model: model.community_price and _money(world.minimum_bid(model.id)),
}


def bindables(schema: GraphQLSchema) -> list[SchemaBindable]:
    """The resolvers of the types and fields that a schema has; fields unknown here are null."""
    resolvers: dict[str, dict[str, Resolver]] = {
        _type_name(schema.query_type): {
            name: _root_resolver("query", name, resolve) for name, resolve in _QUERIES.items()
        },
        _type_name(schema.mutation_type): {
            name: _root_resolver("mutation", name, resolve) for name, resolve in _MUTATIONS.items()
        },
        "User": {name: _field_resolver(resolve) for name, resolve in _USER.items()},
        "Cluster": {name: _field_resolver(resolve) for name, resolve in _CLUSTER.items()},
        "GpuType": {name: _field_resolver(resolve) for name, resolve in _GPU_TYPE.items()}
        | {"lowestPrice": _lowest_price_resolver},
    }
    scalars = [ScalarType("DateTime", serializer=_iso_8601), ScalarType("Void")]
    return [
        *(_bound(kind, resolvers[name]) for name, kind in schema.type_map.items() if name in resolvers),
        *(scalar for scalar in scalars if scalar.name in schema.type_map),
    ]


def _type_name(root: GraphQLObjectType | None) -> str:
    """The name of a root type, which a schema may choose; empty if the schema has none."""
    return root.name if root else ""


def _root_resolver(right: Right, name: str, resolve: Callable[[World, Input], object]) -> Resolver:
    def resolver(_: object, info: GraphQLResolveInfo, **arguments: Any) -> object:
        context: Context = info.context
        if context.rights is None and name == "myself":
            return None
        if context.rights is None or right not in context.rights:
            raise Refusal(UNAUTHORIZED)
        return resolve(context.world, arguments.get("input", arguments) or {})

    return resolver


def _bound(kind: GraphQLNamedType, resolvers: Mapping[str, Resolver]) -> ObjectType:
    bindable = ObjectType(kind.name)
    for name in kind.fields if isinstance(kind, GraphQLObjectType) else ():
        if name in resolvers:
            bindable.field(name)(resolvers[name])
    return bindable


def _field_resolver(resolve: Callable[[World, Any], object]) -> Resolver:
    def resolver(source: Any, info: GraphQLResolveInfo) -> object:
        return resolve(info.context.world, source)

    return resolver


def _lowest_price_resolver(model: GpuModel, info: GraphQLResolveInfo, **arguments: Any) -> dict[str, Any]:
    return _lowest_price(info.context.world, model, arguments.get("input") or {})


def _iso_8601(date: datetime) -> str:
    return date.strftime("%Y-%m-%dT%H:%M:%S.") + f"{date.microsecond // 1000:03}Z"
