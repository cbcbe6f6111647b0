"""All that an exact resume needs, in one sealed file (mmlib.runs.sealed).

Random states are not among it: every step, and every batch, is drawn from its own number.
"""

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from mmlib.runs.sealed import read_sealed, refuse_others, write_sealed
from mmlib.train.log import Log, NonFinite


class Checkpoint:
    """All that changes in a run, and the `folder` it is saved in (None: nowhere). `settings` tell runs apart."""

    def __init__(self, folder: Path | str | None, settings: dict, net: nn.Module, optimizer: torch.optim.Optimizer,
                 scaler: torch.amp.GradScaler, log: Log):  # fmt: skip
        self.path = None if folder is None else Path(folder) / "checkpoint.safetensors"
        groups = [{"initial_lr": g["lr"], **g, "params": len(g["params"]), "lr": None} for g in optimizer.param_groups]
        self.settings = json.loads(json.dumps(settings | {"optimizer": groups}))
        if not {id(p) for group in optimizer.param_groups for p in group["params"]} <= {*map(id, net.parameters())}:
            raise ValueError("expected an optimizer of parameters in params, got others; next: put all nets in params")
        self.nets = nn.ModuleDict({"net": net, "averaged": log.averaged})
        self.optimizer, self.scaler, self.log = optimizer, scaler, log

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the run by name: those of nets and optimiser themselves; scaler and log as numbers."""
        parts = {"scaler": self.scaler.state_dict(), "log": self.log.columns, **self.optimizer.state_dict()["state"]}
        named = {f"{part}.{name}": v for part, values in parts.items() for name, v in values.items() if v is not None}
        named = {k: v if isinstance(v, Tensor) else torch.tensor(v, dtype=torch.float64) for k, v in named.items()}
        return self.nets.state_dict() | named

    def save(self) -> None:
        """Write the state after the steps done so far. NonFinite, and nothing written, if it is not finite."""
        self.log.read()
        if self.path is not None and self.log.here.rank == 0:
            copies = {k: v.cpu().clone(memory_format=torch.contiguous_format) for k, v in self.tensors().items()}
            if bad := {name: v.sum().item() for name, v in copies.items() if not v.isfinite().all()}:
                raise NonFinite(len(self.log.loss), bad, self.log.checkpoint)
            facts = {"settings": self.settings, "evaluations": self.log.evaluations}
            self.log.checkpoint = write_sealed(self.path, copies, facts)

    def resume(self) -> int:
        """Take up the run in `folder` if there is one; return the steps done. ValueError if it is not this very run."""
        if self.path is not None and self.path.exists():
            facts, found = read_sealed(self.path)
            for index, p in enumerate(p for group in self.optimizer.param_groups for p in group["params"]):
                p.grad = torch.zeros_like(p) if any(name.startswith(f"{index}.") for name in found) else None
            self.optimizer.step()  # so that it allocates its state; all numbers are overwritten below
            self.optimizer.zero_grad()
            steps = min(found["log.loss"].numel() if "log.loss" in found else 0, self.settings["steps"])
            for name in (name[4:] for name in found if name.startswith("log.")):
                self.log.columns.setdefault(name, [])[:] = [0.0] * steps
            evaluations = facts.get("evaluations") if isinstance(facts.get("evaluations"), list) else []
            want = {"settings": self.settings, "evaluations": evaluations, **self.tensors()}
            refuse_others(self.path, want, facts | found)
            for name, tensor in self.tensors().items():
                tensor.copy_(found[name])
            self.scaler.load_state_dict({k: type(v)(found[f"scaler.{k}"]) for k, v in self.scaler.state_dict().items()})
            for name, column in self.log.columns.items():
                column[:] = found[f"log.{name}"].tolist()
            self.log.evaluations, self.log.checkpoint = evaluations, self.path
        return len(self.log.loss)
