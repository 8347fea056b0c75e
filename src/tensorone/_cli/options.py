"""Options that several commands have, with their help."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Group, Parameter

from tensorone._data.dataclass import dataclass


def _offered(_: object) -> list[str]:
    """The ids of the last listing, for completion; the network is not asked."""
    from .id_cache import remembered

    return remembered()


ClusterId = Annotated[str, Parameter(completer=_offered)]
ClusterIds = Annotated[list[str], Parameter(completer=_offered)]

EVERYWHERE = Group("Everywhere", sort_key=90)
MACHINE = Group("What to rent", sort_key=20)
RENTAL = Group("How to rent it", sort_key=30)


@Parameter(name="*", group=EVERYWHERE)
@dataclass(frozen=True, kw_only=True)
class Common:
    """What every command takes."""

    json: bool = False
    """One JSON object, on failure too."""
    profile: str | None = None
    """Account in the profiles file."""
    yes: Annotated[bool, Parameter(alias="-y")] = False
    """Answer yes."""
    quiet: Annotated[bool, Parameter(alias="-q")] = False
    """Say only what fails."""
    verbose: Annotated[int, Parameter(alias="-v", count=True)] = 0
    """Log; -vv logs each request."""


COMMON = Common()


@Parameter(name="*", group=MACHINE)
@dataclass(frozen=True, kw_only=True)
class Machine:
    """What `deploy` and `spot` rent."""

    gpu: Annotated[tuple[str, ...], Parameter(metavar="NAME", alias="-g")] = ()
    """GPU type as people say it; more are tried in turn."""
    count: Annotated[int, Parameter(alias="-c")] = 1
    """GPUs in one cluster; 0 rents without."""
    volume: int | None = None
    """Volume, GB; billed until terminated."""
    disk: int | None = None
    """Container disk, GB."""
    port: Annotated[tuple[str, ...], Parameter(alias="-p")] = ()
    """Port to open, such as 8888/http."""
    env: Annotated[tuple[str, ...], Parameter(metavar="K=V", alias="-e")] = ()
    """Variable; K alone takes it from here."""
    env_file: Annotated[str | None, Parameter(metavar="FILE")] = None
    """File of K=V lines."""
    name: str | None = None
    """Label of the cluster."""
    cloud: Literal["secure", "community", "all"] | None = None
    """Part of the market."""
    args: str | None = None
    """Arguments of the image's command."""


@Parameter(name="*", group=RENTAL)
@dataclass(frozen=True, kw_only=True)
class Rental:
    """How `deploy` and `spot` rent."""

    n: Annotated[int, Parameter(name=("-n", "--number"))] = 1
    """Clusters."""
    wait: Annotated[bool, Parameter(negative="--no-wait")] = True
    """Wait until they run."""
    timeout: Annotated[str, Parameter(metavar="TIME")] = "600s"
    """How long to try and to wait."""
    expires: Annotated[str | None, Parameter(metavar="TIME")] = None
    """When `reap` may end them, such as 8h."""
    token: str | None = None
    """Rent once only, however often repeated."""
    max_hourly: Annotated[float | None, Parameter(metavar="USD")] = None
    """Most to spend per hour."""
    all_or_nothing: bool = False
    """End all if one is not had."""


MACHINE_DEFAULT = Machine()
RENTAL_DEFAULT = Rental()
