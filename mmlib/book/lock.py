"""One at a time: a lock that the kernel holds, so that no kill can leave it behind."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[int]:
    """Wait until nobody else holds the lock ``path``, and hold it; says ``waiting`` if it has to wait.

    Yields the lock's file descriptor. Hand it to a child process as ``pass_fds``: then the lock is free only when the
    child has ended too, and what outlives its killed parent is waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                print(waiting, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()
