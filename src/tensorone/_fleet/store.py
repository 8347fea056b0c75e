"""Where a fleet's state is kept between two runs: by one writer at a time, and never half written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Protocol

from tensorone._errors import ConfigurationError

__all__ = ["FileStore", "Store"]


class Store(Protocol):
    """What ``spot.keep_running(store=…)`` needs; `FileStore` is one."""

    def open(self) -> str | None:
        """Takes the state for this run alone, and reads it; None where there is none yet.

        Raises:
            ConfigurationError: Another run has it.
        """
        ...

    def save(self, text: str) -> None:
        """Writes the state, whole or not at all; called before anything that costs money is sent."""
        ...

    def close(self) -> None:
        """Gives it back."""
        ...


class FileStore:
    """The state of a fleet in a file, for one process of one machine.

    The file is replaced as a whole at each save, so that a process that is killed leaves the state before or after,
    and it is locked while it is open (by a second file, ``….lock``, which stays). The operating system lifts the lock
    when the process ends, however it ends. Network file systems may not keep locks: use a local one.

    Args:
        path: The file; its folder must exist. It holds no key and no environment value.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock: IO[str] | None = None

    def open(self) -> str | None:
        """Locks the file and reads it; None where there is none yet.

        Raises:
            ConfigurationError: Another run has it open, its folder does not exist, or it cannot be read.
        """
        try:
            lock = self._path.with_name(f"{self._path.name}.lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"store: {self._path} cannot be opened: {error.strerror}") from error
        if not _taken(lock):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise ConfigurationError(
                f"store: {self._path} is in use by another keep_running (process {holder}), and a fleet has one writer:"
                " end that one, or keep this fleet in a file of its own"
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        try:
            return self._path.read_text(encoding="utf-8") if self._path.exists() else None
        except (OSError, UnicodeDecodeError) as error:
            self.close()
            raise ConfigurationError(f"store: {self._path} cannot be read: {error}") from error

    def save(self, text: str) -> None:
        """Replaces the file; on return the state is on the disk.

        Raises:
            ConfigurationError: The store is not open.
            OSError: The disk is full, for instance; the state before stays.
        """
        if self._lock is None:
            raise ConfigurationError(f"store: {self._path} is not open: it is while keep_running's block is")
        new = self._path.with_name(f"{self._path.name}.new")
        with open(new, "w", encoding="utf-8", opener=_for_its_owner) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def close(self) -> None:
        """Unlocks the file; safe to repeat."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


if sys.platform == "win32":  # pragma: no cover - the other branch is tested

    def _taken(lock: IO[str]) -> bool:
        import msvcrt  # noqa: PLC0415 - only there

        try:
            lock.seek(1 << 20)  # beyond what is read by others
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(lock: IO[str]) -> bool:
        """Whether the lock could be had at once."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
