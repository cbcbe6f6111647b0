"""How far a run is: a bar where somebody watches, a line per epoch in a log, nothing in a printed page."""

import sys
from collections.abc import Callable
from math import nan

from tqdm.auto import tqdm

from mmlib.show import is_static
from mmlib.train.schedules import due
from mmlib.train.world import World


def progress(batches: object, first: int, steps: int, here: World) -> Callable[[int, list[float]], None]:
    """What to call after every step with the number of steps done and the losses; only the first process speaks."""
    epoch = len(batches) if hasattr(batches, "__len__") else max(1, steps // 10)
    live = sys.stderr.isatty() or "ipykernel" in sys.modules
    bar = tqdm(total=steps, initial=first, unit="step", disable=not live or is_static() or here.rank > 0)

    def tell(done: int, loss: list[float]) -> None:
        bar.update()
        if bar.disable and not is_static() and here.rank == 0 and due(done, epoch, steps):
            print(f"epoch {done / epoch:.1f}  step {done}/{steps}  loss {(loss or [nan])[-1]:.4g}", flush=True)

    return tell
