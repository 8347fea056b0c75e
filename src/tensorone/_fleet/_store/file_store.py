"""A fleet's state in a file: by one writer at a time, and never half written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from tensorone._errors import ConfigurationError, InvalidArgument

from .disk import sync_folder, taken
from .lines import BEGIN, line_of, read

__all__ = ["FileStore"]


class FileStore:
    """The state of a fleet in a file, for one process of one machine.

    The first line is the whole state, and each further one what changed since, with a checksum. Now and then the file
    is replaced as a whole. A process that is killed leaves the state before or after, since a last line that is not
    complete does not count. The file is locked while it is open (by a second file, ``….lock``, which stays). The
    operating system lifts the lock when the process ends, however it ends. Network file systems may not keep locks: use
    a local one.

    Args:
        path: The file; its folder must exist. Of a link, what it leads to. It holds no key and no environment value.

    Raises:
        InvalidArgument: The path is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = os.fspath(path) if isinstance(path, os.PathLike) else path
        if not isinstance(name, str) or not Path(name).name or "\0" in name:  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
            raise InvalidArgument("path", f"must name a file, as in FileStore('fleet.json'), not {path!r}")
        self._path = Path(name)
        self._lock: IO[str] | None = None

    def __repr__(self) -> str:
        return f"FileStore({str(self._path)!r})"

    def open(self) -> str | None:
        """Locks the file and reads it; None where there is none yet. A last line that is not complete is cut off.

        Raises:
            ConfigurationError: Another run has it open, its folder does not exist or keeps no locks, it cannot be read,
                or a line before the last one is damaged.
        """
        self._path = Path(os.path.realpath(self._path))  # or a link would be replaced, and have a lock of its own
        try:
            self._lock = self._locked()
        except OSError as error:
            raise ConfigurationError(f"store: {self._path} cannot be opened: {error.strerror}") from error
        try:
            return self._mended()
        except BaseException:
            self.close()
            raise

    def _locked(self) -> IO[str]:
        lock = self._lock_path.open("a+", encoding="utf-8")
        try:
            if not taken(lock):
                raise self._in_use(lock)  # noqa: TRY301 - the file is closed on any way out
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        except BaseException:
            lock.close()
            raise
        return lock

    def _in_use(self, lock: IO[str]) -> ConfigurationError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        return ConfigurationError(
            f"store: {self._path} is in use by another keep_running (process {holder}), and a fleet has one writer:"
            " end that one, or keep this fleet in a file of its own"
        )

    @property
    def _lock_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}.lock")

    def read(self) -> str | None:
        """What is saved now, also while another run has the file open; None where there is none yet.

        Raises:
            ConfigurationError: It cannot be read, or a line before the last one is damaged.
        """
        found = self._content()
        return None if found is None else found[0]

    def _mended(self) -> str | None:
        """The same, without what a process wrote of a line until it was killed: the next line would be damaged."""
        found = self._content()
        if found is None:
            return None
        text, length = found
        if length < self._path.stat().st_size:
            os.truncate(self._path, length)
        return text

    def _content(self) -> tuple[str, int] | None:
        """What was saved, each change after it on a line of its own, and the bytes that this takes in the file."""
        try:
            return read(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"store: {self._path} cannot be read: {error}") from error

    def save(self, text: str) -> None:
        """Replaces the file; on return the state is on the disk.

        Raises:
            ConfigurationError: The store is not open, or its lock file was removed.
            InvalidArgument: A line of it begins with ``+``: it is not JSON.
            OSError: The disk is full, for instance; the state before stays.
        """
        self._check_open()
        new = self._path.with_name(f"{self._path.name}.new")
        if BEGIN.decode() in text:
            raise InvalidArgument("text", "has a line that begins with '+', as changes do")
        with open(new, "wb", opener=_for_its_owner) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        sync_folder(self._path.parent)

    def append(self, change: str) -> None:
        """Adds a line to the file that was saved; on return it is on the disk.

        Raises:
            ConfigurationError: The store is not open, or its lock file was removed.
            InvalidArgument: The change is empty, or of more than one line.
            OSError: The disk is full, for instance, or nothing was saved before; the state before stays.
        """
        self._check_open()
        if not change or "\n" in change:
            raise InvalidArgument("change", "must be one line")
        with self._path.open("r+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                _written(file, line_of(change))
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(end)  # behind half a line the next one would be damaged
                raise

    def _check_open(self) -> None:
        if self._lock is None:
            raise ConfigurationError(f"store: {self._path} is not open: it is while keep_running's block is")
        if not _is_still(self._lock, self._lock_path):
            raise ConfigurationError(
                f"store: {self._lock_path} was removed or replaced while it was held, so another run may have the same"
                " file: end this one, and start it again"
            )

    def close(self) -> None:
        """Unlocks the file; safe to repeat."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _is_still(lock: IO[str], path: Path) -> bool:
    """Whether an open file is the one that has its name."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except OSError:
        return False


def _written(file: IO[bytes], line: bytes) -> None:
    while line:
        line = line[file.write(line) :]


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
