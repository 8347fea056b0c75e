"""`deploy` and `spot`: rents clusters, after the worst case was shown and agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, MACHINE_DEFAULT, RENTAL_DEFAULT, Common, Machine, Rental
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from decimal import Decimal

    from tensorone import ClusterSpec, PlacedCluster, TensorOne
    from tensorone._cli.renting import Plan
    from tensorone._cli.worst_case import WorstCase

MOST = 1000  # clusters at once; more would be a slip of the finger

PARTS = {None: "any part of the market", "ALL": "any part of the market"}


async def deploy(
    image: str,
    /,
    *,
    machine: Machine = MACHINE_DEFAULT,
    rental: Rental = RENTAL_DEFAULT,
    common: Common = COMMON,
) -> Reply:
    """Rent on-demand clusters at the fixed price.

    Asks first, with the most that it may cost, and never pays more. Each rental
    carries a token, which is shown: with --token, a repeat rents nothing twice.

    Example: tensorone deploy tensorone/pytorch --gpu a6000 --volume 40 -n 2

    Args:
        image: Container image with its tag.
    """
    from tensorone._cli.service import service
    from tensorone._cli.worst_case import WorstCase

    count = _checked(rental)
    async with service(common, max_hourly=rental.max_hourly) as client:
        spec = await _spec(client, image, machine)
        part = PARTS.get(spec.cloud_type, f"{str(spec.cloud_type).lower()} part of the market")
        worst = WorstCase(await client.clusters.highest_price(spec), count, part)
        await _agreed(client, spec, worst, rental)
        scope = _bound(client, worst.hourly)

        async def rent(token: str) -> PlacedCluster:
            return await scope.clusters.deploy(spec, client_token=token, expires_in=_expires(rental))

        return await _rented(scope, rental, rent)


async def spot(
    image: str,
    /,
    *,
    ceiling: Annotated[float, Parameter(alias="-b", metavar="USD")],
    on_demand_ceiling: Annotated[float | None, Parameter(metavar="USD")] = None,
    order: Literal["prioritized", "lowest_price", "diversified"] = "prioritized",
    once: bool = False,
    machine: Machine = MACHINE_DEFAULT,
    rental: Rental = RENTAL_DEFAULT,
    common: Common = COMMON,
) -> Reply:
    """Bid for spot clusters until they are won.

    Never bids above the ceiling; gives up after --timeout. Asks first.

    Example: tensorone spot tensorone/pytorch --gpu a40 --ceiling 0.30

    Args:
        image: Container image with its tag.
        ceiling: Highest bid, US dollars per GPU and hour.
        on_demand_ceiling: Rent at a fixed price up to this if no bid wins.
        order: Which GPU type is tried first.
        once: One bid and no other.
    """
    from decimal import Decimal

    from tensorone import BidPolicy
    from tensorone._cli.service import service
    from tensorone._cli.worst_case import WorstCase

    count = _checked(rental)
    most = max(Decimal(str(ceiling)), Decimal(str(on_demand_ceiling or 0)))
    async with service(common, max_hourly=rental.max_hourly) as client:
        spec, bidding = await _spec(client, image, machine), BidPolicy(ceiling=Decimal(str(ceiling)))
        worst = WorstCase(most * spec.gpu_count, count, f"bids up to ${words.dollars(most)} per GPU")
        await _agreed(client, spec, worst, rental)
        scope = _bound(client, worst.hourly)

        async def rent(token: str) -> PlacedCluster:
            if once:
                return await scope.spot.rent(spec, bid_per_gpu=ceiling, client_token=token, expires_in=_expires(rental))
            won = await scope.spot.acquire(
                spec,
                bidding=bidding,
                timeout=words.seconds(rental.timeout),
                order=order,
                capacity="spot" if on_demand_ceiling is None else "auto",
                on_demand_ceiling=on_demand_ceiling,
                client_token=token,
                expires_in=_expires(rental),
            )
            return won.cluster

        return await _rented(scope, rental, rent)


def _checked(rental: Rental) -> int:
    """How many clusters; refuses what cannot be meant before anything is asked of the service."""
    from tensorone._cli._output.failures import failed

    if not 1 <= rental.n <= MOST:
        raise failed("invalid_argument", f"-n {rental.n}: between 1 and {MOST} clusters")
    for name, text in (("--timeout", rental.timeout), ("--expires", rental.expires)):
        try:
            words.seconds(text or "1s")
        except ValueError as error:
            raise failed("invalid_argument", f"{name}: {error}") from None
    return rental.n


def _expires(rental: Rental) -> float | None:
    return None if rental.expires is None else words.seconds(rental.expires)


async def _spec(client: TensorOne, image: str, machine: Machine) -> ClusterSpec:
    from tensorone import ClusterSpec
    from tensorone._cli.environment import environment
    from tensorone._cli.gpu_names import resolved

    env = environment(machine.env, machine.env_file)
    return ClusterSpec(
        image_name=image,
        gpu_type_ids=await resolved(client, machine.gpu),
        gpu_count=machine.count,
        name=machine.name,
        cloud_type=machine.cloud.upper() if machine.cloud else None,
        container_disk_in_gb=machine.disk,
        volume_in_gb=machine.volume,
        ports=machine.port,
        env=env,
        docker_args=machine.args,
    )


async def _agreed(client: TensorOne, spec: ClusterSpec, worst: WorstCase, rental: Rental) -> None:
    """Asks; without a terminal, nothing is sent."""
    from tensorone._cli._output.failures import failed
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.worst_case import lines

    if rental.max_hourly is not None and worst.hourly is not None and worst.hourly > rental.max_hourly:
        most = words.dollars(rental.max_hourly)
        raise failed("spend_limit", f"this rents {worst.text}, and --max-hourly is ${most}; nothing was sent")
    asked = not terminal().yes
    await terminal().confirm(await lines(client, spec, worst) if asked else [], otherwise=f"this rents {worst.text}")


def _bound(client: TensorOne, hourly: Decimal | None) -> TensorOne:
    """The client under what was agreed to; a price that is not known cannot be held to."""
    return client if not hourly else client.limited(max_hourly_spend=hourly)


async def _rented(client: TensorOne, rental: Rental, rent: object) -> Reply:
    from datetime import UTC, datetime, timedelta

    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.renting import Plan, rented, tokens

    terminal().client = client
    expires = _expires(rental)
    plan: Plan = Plan(
        tokens=tokens(rental.token, rental.n),
        rent=rent,  # type: ignore[arg-type]  # made just above
        wait=rental.wait,
        timeout=words.seconds(rental.timeout),
        all_or_nothing=rental.all_or_nothing,
        expires_at=None if expires is None else words.moment(datetime.now(UTC) + timedelta(seconds=expires)),
    )
    return await rented(client, plan)
