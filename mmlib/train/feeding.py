"""From numbered batches to a stream on the device: kept there if they fit, else fetched while the last is in use."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from mmlib.data.numbered import Batches, move
from mmlib.train.world import World


def keep(batches: Callable[..., dict], device: torch.device) -> None:
    """Move a drawn set onto `device` for good, if it takes less than half of the memory that is free there."""
    if isinstance(batches, Batches) and isinstance(batches.source, dict):
        size = sum(value.nbytes for value in batches.source.values() if isinstance(value, Tensor))
        if device.type != "cuda" or size < torch.cuda.mem_get_info(device)[0] / 2:
            batches.source = move(batches.source, device)


def stream(batches: Callable[..., dict], first: int, steps: int, accumulate: int, here: World) -> Iterator[dict]:
    """This process' shares of batches `first` to `steps`, on its device; the next is fetched while one is in use."""

    def fetch(turn: int) -> dict:
        number, part = divmod(turn, accumulate)
        return move(batches(number, here.rank * accumulate + part, here.size * accumulate), here.device)

    keep(batches, here.device)
    turns = range(first * accumulate, steps * accumulate)
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(fetch, turn) for turn in turns[:1]]
        for turn in turns:
            ahead += [pool.submit(fetch, later) for later in range(turn + 1, turns.stop)[:1]]
            yield ahead.pop(0).result()
