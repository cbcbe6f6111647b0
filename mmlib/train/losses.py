"""From loss terms to one loss, inside one module, so that DistributedDataParallel can wrap any step."""

from collections.abc import Callable
from contextlib import nullcontext

from torch import Tensor, nn


class Step(nn.Module):
    """A step function together with the module it trains."""

    no_sync = nullcontext  # alone there is nobody to wait for

    def __init__(self, net: nn.Module, step: Callable[[dict], dict[str, Tensor]], weights: dict[str, float] | None):
        super().__init__()
        self.net, self.step, self.weights = net, step, weights or {}

    def forward(self, batch: dict) -> dict[str, Tensor]:
        """The step's terms as "term NAME" and their weighted sum as "loss". TypeError if there are no such terms."""
        terms = self.step(batch)
        scalars = isinstance(terms, dict) and all(isinstance(v, Tensor) and v.ndim == 0 for v in terms.values())
        if not scalars or not terms or not terms.keys() >= self.weights.keys():
            raise TypeError(f"expected step(batch) -> dict of scalar tensors with {[*self.weights]}, got {terms!r}")
        loss = sum(self.weights.get(name, 1.0) * term for name, term in terms.items())
        return {"loss": loss} | {f"term {name}": term for name, term in terms.items()}
