"""Processes that a test forks: each has its own memory and environment, and needn't start Python anew."""

import os
import socket
import sys
import traceback
from collections.abc import Callable

import torch

from mmlib import uses
from mmlib.scenes.atlas import atlas


def fork(work: Callable, *arguments, **environment: str) -> int:
    """Start `work` in a forked process with this environment added; the process. It ends without cleaning up.

    What scenes are drawn from is there already: to draw it takes seconds, and the parent does it once for all.
    """
    atlas()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            torch.set_num_threads(1)  # the parent's threads aren't here
            uses.READERS.clear()  # what other tests have read isn't what this process reads
            uses.WEIGHTS.clear()
            os.environ.update(environment)
            work(*arguments)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return pid


def ended(pid: int) -> int:
    """How a forked process ended: its status, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def in_two(work: Callable[[int], None]) -> list[int]:
    """`work(rank)` in two processes that `mmlib.train` joins, as it does those of torchrun; how both ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    both = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    pair = [fork(work, rank, RANK=str(rank), **both) for rank in range(2)]
    return [ended(pid) for pid in pair]
