"""What the operating systems do each in their own way: locks that end with their process, and folders on the disk."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


if sys.platform == "win32":  # pragma: no cover - the other branch is tested

    def taken(lock: IO[str]) -> bool:
        """Whether the lock could be had at once."""
        import msvcrt  # noqa: PLC0415 - only there

        try:
            lock.seek(1 << 20)  # beyond what is read by others
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def sync_folder(folder: Path) -> None:
        """It cannot be done there."""

else:
    import fcntl

    def sync_folder(folder: Path) -> None:
        """Lets a file that was replaced stay replaced after a loss of power."""
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def taken(lock: IO[str]) -> bool:
        """Whether the lock could be had at once.

        Raises:
            OSError: The file system keeps no locks.
        """
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # whichever of the two the system says where another one has it
            return False
        return True
