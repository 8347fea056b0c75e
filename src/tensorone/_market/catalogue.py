"""What the catalogue of GPU types says of a request that found nothing: a typo, or a cloud type without it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from tensorone._errors import InvalidArgument, TensorOneError
from tensorone._generated import CloudType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tensorone._generated import GpuType
    from tensorone._session.session import Session

    from .attempt_log import Candidate


HOW_TO_FIND = "client.gpu_types.list() shows the ids"


async def check(
    session: Session,
    gpu_type_ids: Iterable[str | None],
    refusal: TensorOneError,
    *,
    cloud_type: CloudType | None = None,
) -> None:
    """Asks, after a refusal, whether these GPU types exist, and are offered in the cloud type that was wanted.

    A catalogue that cannot be read proves nothing.

    Raises:
        InvalidArgument: One of them does not exist, and the nearest is named; or none is offered in that cloud type.
    """
    asked = [each for each in gpu_type_ids if each is not None]
    await _check_names(session, asked, refusal)
    other = _OTHER.get(cloud_type)
    if asked and other is not None and not any([await _offered(session, each, other) for each in asked]):
        words = f"{', '.join(asked)}: offered in {other.value} only; use that, or leave it out"
        raise InvalidArgument("cloud_type", words, operation=refusal.operation, attempts=refusal.attempts)


async def check_before(session: Session, wanted: Iterable[tuple[Candidate, ...]], *, field: str) -> None:
    """The same before anything was asked for: of each thing to rent, its candidates; `field` has the cloud types.

    Raises:
        InvalidArgument: A GPU type does not exist; or none of the candidates of one is offered in its cloud type.
    """
    distinct = [*dict.fromkeys(wanted)]
    await _check_names(session, [each.gpu_type_id for one in distinct for each in one])
    each_once = dict.fromkeys(each for one in distinct for each in one)
    elsewhere = {each: await only_in(session, each.gpu_type_id, each.cloud_type) for each in each_once}
    for one in distinct:
        found = {each.gpu_type_id: other.value for each in one if (other := elsewhere[each]) is not None}
        if len(found) == len(one):
            words = "; ".join(f"{name}: offered in {cloud} only" for name, cloud in found.items())
            raise InvalidArgument(field, f"{words}; use that, or leave it out", operation="GetGpuType", attempts=1)


async def _check_names(session: Session, asked: Iterable[str], refusal: TensorOneError | None = None) -> None:
    listed = await _listed(session)
    known = {each.id for each in listed}
    for each in asked if known else ():
        if each not in known:
            raise unknown_type(each, listed, refusal)


async def _listed(session: Session) -> list[GpuType]:
    """All GPU types; none where the catalogue cannot be read."""
    try:
        return [each for each in (await session.graphql.list_gpu_types()).gpu_types or () if each is not None]
    except TensorOneError:
        return []


_OTHER: Mapping[CloudType | None, CloudType] = {
    CloudType.SECURE: CloudType.COMMUNITY,
    CloudType.COMMUNITY: CloudType.SECURE,
}


async def only_in(session: Session, gpu_type_id: str, wanted: CloudType | None) -> CloudType | None:
    """The cloud type that offers a GPU type alone, where another one is wanted; None where that is not known."""
    other = _OTHER.get(wanted)
    return None if other is None or await _offered(session, gpu_type_id, other) else other


async def _offered(session: Session, gpu_type_id: str, other: CloudType) -> bool:
    """Whether a GPU type may be offered in a cloud type: unless the catalogue offers it in the other one alone."""
    try:
        found = (await session.graphql.get_gpu_type(gpu_type_id, gpu_count=1)).gpu_types or ()
    except TensorOneError:
        return True
    alone = {CloudType.SECURE: (True, False), CloudType.COMMUNITY: (False, True)}[other]
    return all((gpu.secure_cloud, gpu.community_cloud) != alone for gpu in found if gpu is not None)


def unknown_type(gpu_type_id: str, listed: Iterable[GpuType], refusal: TensorOneError | None = None) -> InvalidArgument:
    """The error of a GPU type that the catalogue does not have."""
    operation, attempts = (refusal.operation, refusal.attempts) if refusal else ("ListGpuTypes", 1)
    return InvalidArgument("gpu_type_id", _no_such(gpu_type_id, listed), operation=operation, attempts=attempts)


async def unknown_words(session: Session, gpu_type_id: str) -> str:
    """The words for a GPU type that the server does not know, with the nearest that it does know."""
    words = _no_such(gpu_type_id, await _listed(session))
    return words if words.endswith(HOW_TO_FIND) else f"{words} {HOW_TO_FIND}"


def _no_such(gpu_type_id: str, listed: Iterable[GpuType]) -> str:
    near = nearest(gpu_type_id, listed)
    return f"there is no GPU type {gpu_type_id!r}: " + (f"did you mean {near!r}?" if near else HOW_TO_FIND)


def nearest(gpu_type_id: str, listed: Iterable[GpuType]) -> str | None:
    """The id that was most likely meant: by its short name, a part of it, or a few letters. Pure."""
    wanted = gpu_type_id.casefold().strip()
    by_name = {name.casefold(): each.id for each in listed for name in (each.id, each.display_name) if name}
    parts = [name for name in by_name if wanted and wanted in name]
    close = difflib.get_close_matches(wanted, by_name, 1, cutoff=0.5)
    best = wanted if wanted in by_name else min(parts, key=len) if parts else close[0] if close else None
    return by_name[best] if best is not None else None
