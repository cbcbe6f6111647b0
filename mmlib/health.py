"""Is every part of a network alive? Four numbers for each named part, read in the middle of a training step.

    log = train(step, net, batches, steps=1000, health={"attention": net.attention, "decoder": net.decoder})
    silent(log.health)       # {} if every part lives, else {part: why it does not}

A network can reach a decent score while the part that a paper is about puts out nothing but zeros: a dead ReLU passes
no gradient, and what comes after it learns to do without. The score does not show it. These numbers do:

never      share of units (channels) that put out the same for every picture of the batch, so that they carry nothing
varies     how much the output differs from picture to picture: a branch's relative to what it joins, a layer's and an
           attention's relative to its own size, a gate's as it is, on a scale from 0 to 1
gradient   norm of the part's gradient relative to the norm of its weights
open       mean of a gate;  entropy: of an attention's weights, relative to the uniform distribution's

Pictures are compared at the same place, because zeros around a picture make even a dead convolution's output vary from
place to place. A batch of one picture has to be judged by its places all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

KINDS = ("layer", "branch", "gate", "attention")

# What is looked at inside a part, by the name of PyTorch's function: nn.ReLU, F.relu and x.relu_() all end in "relu",
# and nn.ReLU6 in "hardtanh".
ACTIVATIONS = {"relu", "relu6", "leaky_relu", "rrelu", "prelu", "elu", "celu", "selu", "gelu", "silu", "hardswish"}
ACTIVATIONS |= {"mish", "softplus", "tanh", "hardtanh"}
GATES = {"sigmoid", "hardsigmoid"}
CHANNELS_LAST = {"linear", "layer_norm", "rms_norm"}
CHANNELS_FIRST = {"conv1d", "conv2d", "conv3d", "conv_transpose2d", "batch_norm", "group_norm", "instance_norm"}

DEAD_UNITS = 0.95
"""A part is silent if at least this share of its units never fires."""

NO_EFFECT = 0.01
"""A part is silent if its output varies by less than this share of what it joins, or of its own size."""

UNIFORM = 0.995
"""An attention is silent if its entropy is at least this share of the uniform distribution's: it selects nothing."""

NO_GRADIENT = 1e-9
"""A part is silent if its gradient is shorter than this share of its weights: it does not learn."""

ROUNDING = 1e-5
"""Differences below this share of the largest value are rounding errors of float32, and no signal."""


@dataclass(frozen=True)
class Part:
    """A part of a network whose health is read.

    kind: "layer", a step of the main road; "branch", something that is added to or multiplied with something else;
    "gate", with every sigmoid inside; "attention", with every softmax inside (or `scaled_dot_product_attention`).
    joins: the module whose output a branch is combined with; None: the branch's own first input, as in x + f(x).
    dim: where an attention is not computed by PyTorch's softmax, its output sums to 1 over this axis.
    channels: the axis of units; None: that of the last convolution or linear layer.
    """

    module: nn.Module
    kind: str = "layer"
    joins: nn.Module | None = None
    dim: int = -1
    channels: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"expected a part's kind out of {', '.join(KINDS)}, got {self.kind!r}")
        if isinstance(self.module, (nn.ModuleList, nn.ModuleDict)):
            raise ValueError("expected a module that is called, got a list of modules; next: name its members")


Parts = Mapping[str, "nn.Module | Part"]
Reading = dict[str, float]
Health = dict[str, dict[str, Reading]]


# ---------------------------------------------------------------------------------------------------------------------
# Measuring one tensor


def _tensors(value: object) -> list[Tensor]:
    """The floating point tensors in a tensor, or in tuples, lists and dicts of them."""
    if isinstance(value, Tensor):
        return [value.detach()] if value.is_floating_point() and value.numel() else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [tensor for item in items for tensor in _tensors(item)]


def _rows(x: Tensor, axis: int) -> Tensor:
    """(pictures, places, units); a single picture as (places, 1, units). `axis`: that of the units."""
    if x.ndim < 2:
        return x.float().reshape(-1, 1, 1)
    rows = x.float().movedim(axis, -1)
    rows = rows.reshape(len(rows), -1, rows.shape[-1])
    return rows.transpose(0, 1) if len(rows) == 1 else rows


def _fires(x: Tensor, axis: int) -> Tensor:
    """(units,): whether a unit puts out more than one value over this batch; of a single value, whether it is not 0."""
    rows = _rows(x, axis)
    if len(rows) == 1:
        return rows[0].abs().amax(dim=0) > 0
    low, high = rows.aminmax(dim=0)
    return (high - low).amax(dim=0) > ROUNDING * rows.abs().max()


def _variation(x: Tensor, axis: int) -> tuple[float, float] | None:
    """How much a tensor differs from picture to picture, and its size, as root mean squares; None for one number."""
    rows = _rows(x, axis)
    if len(rows) == 1:
        return None
    spread = float(rows.var(dim=0).mean().sqrt())
    size = float(rows.square().mean().sqrt())
    return (0.0 if spread <= ROUNDING * size else spread), size


def _entropy(shares: Tensor, dim: int) -> float:
    """Mean entropy of weights that sum to 1 over `dim`, relative to that of equal weights."""
    shares = shares.float().clamp(min=1e-12)
    entropy = -(shares * shares.log()).sum(dim=dim).mean()
    return float(entropy) / math.log(max(2, shares.shape[dim]))


# ---------------------------------------------------------------------------------------------------------------------
# Looking on while a network computes


@dataclass(eq=False)
class _Seen:
    """What was noted about one part during one step."""

    part: Part
    calls: int = 0
    turn: int = 0  # activations so far in this call
    activations: dict[int, Tensor] = field(default_factory=dict)  # the n-th in a call: (units,) whether it ever fired
    units: dict[int, Tensor] = field(default_factory=dict)  # the same of the part's n-th output
    given: list[tuple[float, float] | None] = field(default_factory=list)  # variation and size of the first input
    outputs: list[tuple[int, tuple[float, float]]] = field(default_factory=list)  # number of the call, and the same
    openings: list[float] = field(default_factory=list)
    gates: list[float] = field(default_factory=list)  # how much each gate varies
    entropies: list[float] = field(default_factory=list)


class _Watcher(TorchFunctionMode):
    """Sees every function of PyTorch that the network calls, and notes what belongs to a part that is at work."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work: list[_Seen] = []
        self.last = (1, 0)  # axis and number of the last layer's units

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> object:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = getattr(func, "__name__", "").strip("_")
        if name in CHANNELS_LAST:
            self.last = (-1, result.shape[-1])
        elif name in CHANNELS_FIRST:
            self.last = (1, result.shape[1])
        for seen in self.at_work:
            if name in ACTIVATIONS:
                self.note_activation(seen, result.detach())
            elif name in GATES and seen.part.kind == "gate":
                self.note_gate(seen, result.detach())
            elif name == "softmax" and seen.part.kind == "attention":
                dim = args[1] if len(args) > 1 else kwargs.get("dim")
                seen.entropies.append(_entropy(result.detach(), -1 if dim is None else dim))
            elif name == "scaled_dot_product_attention" and seen.part.kind == "attention":
                self.note_attention(seen, *args, **kwargs)
        return result

    def axis(self, x: Tensor, part: Part) -> int:
        """The axis of units: that of the last layer, unless the tensor was turned since."""
        if part.channels is not None:
            return part.channels
        if x.ndim < 3:
            return -1
        axis, width = self.last
        other = -1 if axis == 1 else 1
        return other if x.shape[axis] != width and x.shape[other] == width else axis

    def note_activation(self, seen: _Seen, x: Tensor) -> None:
        """Which units of one activation fire."""
        self.note_units(seen.activations, seen.turn, _fires(x, self.axis(x, seen.part)))
        seen.turn += 1

    def note_units(self, found: dict[int, Tensor], place: int, fires: Tensor) -> None:
        """A unit lives if it fires in any call of the part."""
        before = found.get(place)
        if before is not None and before.shape == fires.shape:
            fires = before | fires
        found[place] = fires

    def note_gate(self, seen: _Seen, x: Tensor) -> None:
        """How far it is open, and how much that depends on the picture."""
        seen.openings.append(float(x.float().mean()))
        variation = _variation(x, self.axis(x, seen.part))
        if variation is not None:
            seen.gates.append(variation[0])

    def note_attention(
        self,
        seen: _Seen,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        **_: object,
    ) -> None:
        """The weights are not given out, so compute those of about 64 queries once more."""
        if attn_mask is not None or is_causal:
            return
        few = query.detach()[..., :: max(1, query.shape[-2] // 64), :].float()
        scale = query.shape[-1] ** -0.5 if scale is None else scale
        shares = (few @ key.detach().float().transpose(-2, -1) * scale).softmax(dim=-1)
        seen.entropies.append(_entropy(shares, -1))

    def begins(self, seen: _Seen) -> Callable:
        """The hook before a part's forward; only here is the input sure not to be overwritten in place."""

        def hook(_: nn.Module, args: tuple, kwargs: dict) -> None:
            seen.turn = 0
            inputs = _tensors([args, kwargs])
            seen.given.append(_variation(inputs[0], self.axis(inputs[0], seen.part)) if inputs else None)
            self.at_work.append(seen)

        return hook

    def ends(self, seen: _Seen) -> Callable:
        """The hook after a part's forward."""

        def hook(_: nn.Module, args: tuple, output: object) -> None:
            self.at_work.remove(seen)
            for place, x in enumerate(_tensors(output)):
                axis = self.axis(x, seen.part)
                self.note_units(seen.units, place, _fires(x, axis))
                variation = _variation(x, axis)
                if variation is not None:
                    seen.outputs.append((seen.calls, variation))
                if seen.part.kind == "gate" and not seen.openings:
                    self.note_gate(seen, x)
                if seen.part.kind == "attention" and not seen.entropies:
                    seen.entropies.append(_entropy(x, seen.part.dim))
            seen.calls += 1

        return hook


@contextmanager
def watching(parts: Parts) -> Iterator[Callable[..., dict[str, Reading]]]:
    """Watch all `parts` while the block runs; call what it yields after `backward` to get the numbers.

    A part that is called several times in a step counts a unit as alive if it fired in any call; of the variations the
    smallest counts, so that an encoder that works on one sense and is dead on the other is found.
    """
    named = {name: part if isinstance(part, Part) else Part(part) for name, part in parts.items()}
    seen = {name: _Seen(part) for name, part in named.items()}
    joined = {part.joins: _Seen(Part(part.joins)) for part in named.values() if part.joins is not None}
    watcher = _Watcher()
    hooks = []
    for note in [*seen.values(), *joined.values()]:
        module = note.part.module
        hooks.append(module.register_forward_pre_hook(watcher.begins(note), with_kwargs=True))
        hooks.append(module.register_forward_hook(watcher.ends(note)))

    def numbers(gradients: Mapping[nn.Parameter, Tensor | None] | None = None) -> dict[str, Reading]:
        return {name: _numbers(note, joined.get(note.part.joins), gradients) for name, note in seen.items()}

    try:
        with watcher:
            yield numbers
    finally:
        for hook in hooks:
            hook.remove()


# ---------------------------------------------------------------------------------------------------------------------
# The numbers


def _varies(note: _Seen, joined: _Seen | None) -> list[float]:
    """How much each output of each call varies, relative to what it is measured by."""
    if note.part.kind == "gate":
        return note.gates
    bases = note.given
    if joined is not None:
        bases = [variation for _, variation in joined.outputs]
        if not bases:
            raise ValueError("expected that the module which a part joins is called, too; next: mend Part(joins=...)")
    shares = []
    for call, (spread, size) in note.outputs:
        base = (size, size)
        if note.part.kind == "branch" or joined is not None:
            base = bases[min(call, len(bases) - 1)] or base
        shares.append(spread / max(base[0], 1e-12))
    return shares


def _numbers(note: _Seen, joined: _Seen | None, gradients: Mapping[nn.Parameter, Tensor | None] | None) -> Reading:
    """The numbers of one part after a step; a part that was never called says so by `called` = 0."""
    if not note.calls:
        return {"called": 0.0}
    reading = {"called": 1.0}
    units = note.activations
    if not units and note.part.kind in ("layer", "branch"):
        units = note.units
    if units:
        reading["never"] = float((~torch.cat(list(units.values()))).float().mean())
    varies = _varies(note, joined)
    if varies:
        reading["varies"] = min(varies)
    if note.openings:
        reading["open"] = sum(note.openings) / len(note.openings)
    if note.entropies:
        reading["entropy"] = max(note.entropies)
    learning = [p for p in note.part.module.parameters() if p.requires_grad]
    if learning:
        slopes = [p.grad if gradients is None else gradients.get(p) for p in learning]
        slope = sum(float(g.detach().float().square().sum()) for g in slopes if g is not None)
        weight = sum(float(p.detach().float().square().sum()) for p in learning)
        reading["gradient"] = math.sqrt(slope) / max(math.sqrt(weight), 1e-12)
    return {name: value if math.isfinite(value) else -1.0 for name, value in reading.items()}


def look(step: Callable[[], Tensor | dict[str, Tensor]], parts: Parts) -> dict[str, Reading]:
    """Read the health of `parts` once, by hand: `step()` computes a loss, or a dict of terms, as a training step does.

    Nothing is changed, not even the gradients that stand in the network.
    Use it on any network: `look(lambda: net(x).square().mean(), {...})`.
    """
    modules = [part.module if isinstance(part, Part) else part for part in parts.values()]
    learning = {p: None for module in modules for p in module.parameters() if p.requires_grad}
    with watching(parts) as numbers:
        loss = step()
        loss = sum(loss.values()) if isinstance(loss, dict) else loss
        if learning and loss.requires_grad:
            slopes = torch.autograd.grad(loss, list(learning), allow_unused=True)
            learning = dict(zip(learning, slopes))
        return numbers(learning)


def why_silent(reading: Mapping[str, float]) -> str | None:
    """Why a part with these numbers is silent, in words; None if it lives."""
    if not reading.get("called", 1.0):
        return "it was never called"
    if any(value == -1.0 for value in reading.values()):
        return "a number of its health is not finite"
    if reading.get("entropy", 0.0) >= UNIFORM:
        return f"its attention is uniform (entropy {reading['entropy']:.3f})"
    if "open" in reading and reading.get("varies", 1.0) < NO_EFFECT:
        return f"its gate stands still at {reading['open']:.2f}"
    if reading.get("never", 0.0) >= DEAD_UNITS:
        return f"{reading['never']:.0%} of its units never fire"
    if reading.get("varies", 1.0) == 0.0:
        return "its output is the same for every picture"
    if reading.get("varies", 1.0) < NO_EFFECT:
        return f"its output hardly varies ({reading['varies']:.2%})"
    if reading.get("gradient", 1.0) < NO_GRADIENT:
        return "no gradient reaches it"
    return None


def silent(health: Mapping[str, Mapping[str, Mapping[str, float]]], at: str = "end") -> dict[str, str]:
    """The silent parts of a run, each with the reason; {} if all live.

    health: `log.health` or a record's, {part: {"start": ..., "middle": ..., "end": ...}}.  at: which reading counts.
    """
    found = {}
    for name, readings in health.items():
        if at in readings and (why := why_silent(readings[at])):
            found[name] = why
    return found
