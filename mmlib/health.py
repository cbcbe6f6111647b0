"""Is every part of a network alive? Four numbers for each named part, read in the middle of a training step.

    log = train(step, net, batches, steps=1000, health={"attention": net.attention, "decoder": net.decoder})
    silent(log.health)       # {} if every part lives, else {part: why it does not}

A network can reach a decent score while the part that a paper is about puts out nothing but zeros: a dead ReLU passes
no gradient, and what comes after it learns to do without. The score does not show it. These numbers do:

never      share of units (channels) whose activation is the same for every input, so that they carry nothing
varies     how much the part's output varies over pixels and pictures, relative to what it joins
gradient   norm of the part's gradient relative to the norm of its weights
open       mean of a gate;  entropy: of an attention's weights, relative to the uniform distribution's
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish)
KINDS = ("layer", "branch", "gate", "attention")

DEAD_UNITS = 0.95
"""A part is silent if at least this share of its units never fires."""

NO_EFFECT = 0.01
"""A branch is silent if its output varies by less than this share of what it joins; a gate, if it varies by less."""

UNIFORM = 0.995
"""An attention is silent if its entropy is at least this share of the uniform distribution's: it selects nothing."""

NO_GRADIENT = 1e-9
"""A part is silent if its gradient is shorter than this share of its weights: it does not learn."""


@dataclass(frozen=True)
class Part:
    """A part of a network whose health is read.

    kind: "layer", a step of the main road; "branch", something that is added to or multiplied with something else;
    "gate", with outputs between 0 and 1; "attention", whose output is a softmax over `dim`.
    joins: the module whose output a branch is combined with; None: the branch's own input, as in x + f(x).
    channels: the axis of units; None: 1 for pictures (B, C, H, W) and vectors (B, C), the last one for tokens (B, N, C).
    """

    module: nn.Module
    kind: str = "layer"
    joins: nn.Module | None = None
    dim: int = -1
    channels: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"expected a part's kind out of {', '.join(KINDS)}, got {self.kind!r}")


Parts = Mapping[str, "nn.Module | Part"]
Reading = dict[str, float]
Health = dict[str, dict[str, Reading]]


@dataclass
class _Seen:
    """What the hooks of one part noted during one step."""

    fires: dict[nn.Module, Tensor] = field(default_factory=dict)  # per activation: (units,) whether it ever varied
    out_fires: Tensor | None = None
    varies: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)


def _first_tensor(value: object) -> Tensor | None:
    """The tensor itself, or the first one in a tuple, list or dict."""
    if isinstance(value, Tensor):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return next((item for item in items if isinstance(item, Tensor)), None)


def _units_last(x: Tensor, channels: int | None) -> Tensor:
    """(rows, units): every unit's values over pictures and positions."""
    axis = channels if channels is not None else 2 if x.ndim == 3 else min(1, x.ndim - 1)
    return x.detach().float().movedim(axis, -1).flatten(0, -2)


def _spread(x: Tensor, channels: int | None) -> float:
    """How much a feature map varies: the standard deviation over pictures and positions, root mean square of units."""
    values = _units_last(x, channels)
    return float((values - values.mean(dim=0)).square().mean().sqrt())


def _ever_varies(x: Tensor, channels: int | None) -> Tensor:
    """(units,): whether a unit puts out more than one value over this batch."""
    values = _units_last(x, channels)
    low, high = values.aminmax(dim=0)
    return (high - low) > 1e-6 * values.abs().amax().clamp(min=1e-12)


@contextmanager
def watching(parts: Parts) -> Iterator[Callable[[], dict[str, Reading]]]:
    """Hooks on all `parts` while the block runs; call what it yields after `backward` to get the numbers.

    A module that is called several times in a step counts a unit as alive if it fired in any call; of the variations
    the smallest counts, so that an encoder that works on one sense and is dead on the other is found.
    """
    named = {name: part if isinstance(part, Part) else Part(part) for name, part in parts.items()}
    seen = {name: _Seen() for name in named}
    spreads: dict[nn.Module, list[float]] = {}
    hooks = []

    def note_activation(part: Part, note: _Seen) -> Callable:
        def hook(module: nn.Module, _: tuple, output: Tensor) -> None:
            fires = _ever_varies(output, part.channels)
            before = note.fires.get(module)
            note.fires[module] = fires if before is None or before.shape != fires.shape else before | fires

        return hook

    def note_output(part: Part, note: _Seen) -> Callable:
        def hook(_: nn.Module, given: tuple, output: object) -> None:
            out, into = _first_tensor(output), _first_tensor(given)
            if out is None:
                return
            fires = _ever_varies(out, part.channels)
            old = note.out_fires
            note.out_fires = fires if old is None or old.shape != fires.shape else old | fires
            if part.kind == "gate":
                note.means.append(float(out.detach().float().mean()))
                note.varies.append(float(out.detach().float().std()))
            elif part.kind == "attention":
                shares = out.detach().float().clamp(min=1e-12)
                entropy = -(shares * shares.log()).sum(dim=part.dim).mean()
                note.entropies.append(float(entropy) / math.log(max(2, out.shape[part.dim])))
            else:
                joined = spreads[part.joins][-1] if part.joins is not None and spreads.get(part.joins) else None
                if joined is None:
                    joined = _spread(into, part.channels) if into is not None else 0.0
                note.varies.append(_spread(out, part.channels) / max(joined, 1e-12))

        return hook

    def note_spread(module: nn.Module, _: tuple, output: object) -> None:
        out = _first_tensor(output)
        if out is not None:
            spreads.setdefault(module, []).append(_spread(out, None))

    for joined in {part.joins for part in named.values() if part.joins is not None}:
        hooks.append(joined.register_forward_hook(note_spread))
    for name, part in named.items():
        for module in part.module.modules():
            if isinstance(module, ACTIVATIONS):
                hooks.append(module.register_forward_hook(note_activation(part, seen[name])))
        hooks.append(part.module.register_forward_hook(note_output(part, seen[name])))

    try:
        yield lambda: {name: _numbers(part, seen[name]) for name, part in named.items()}
    finally:
        for hook in hooks:
            hook.remove()


def _numbers(part: Part, note: _Seen) -> Reading:
    """The numbers of one part after a step; a part that was never called says so by `called` = 0."""
    if note.out_fires is None:
        return {"called": 0.0}
    units = torch.cat(list(note.fires.values())) if note.fires else note.out_fires
    reading = {"called": 1.0, "never": float((~units).float().mean())}
    if note.varies:
        reading["varies"] = min(note.varies)
    if note.means:
        reading["open"] = sum(note.means) / len(note.means)
    if note.entropies:
        reading["entropy"] = max(note.entropies)
    learning = [p for p in part.module.parameters() if p.requires_grad]
    if learning:
        gradient = sum(float(p.grad.detach().float().square().sum()) for p in learning if p.grad is not None)
        weight = sum(float(p.detach().float().square().sum()) for p in learning)
        reading["gradient"] = math.sqrt(gradient) / max(math.sqrt(weight), 1e-12)
    return {name: value if math.isfinite(value) else -1.0 for name, value in reading.items()}


def look(step: Callable[[], Tensor], parts: Parts) -> dict[str, Reading]:
    """Read the health of `parts` once, by hand: `step()` computes a loss, which is propagated back here.

    Gradients that were there are thrown away. Use it on any network: `look(lambda: net(x).square().mean(), {...})`.
    """
    for part in parts.values():
        (part.module if isinstance(part, Part) else part).zero_grad()
    with watching(parts) as numbers:
        step().backward()
        return numbers()


def why_silent(reading: Mapping[str, float], kind: str = "layer") -> str | None:
    """Why a part with these numbers is silent, in words; None if it lives.

    `kind` is not stored with a record; a gate is known by `open`, an attention by `entropy`.
    """
    if not reading.get("called", 1.0):
        return "it was never called"
    if any(value == -1.0 for value in reading.values()):
        return "a number of its health is not finite"
    if reading.get("never", 0.0) >= DEAD_UNITS:
        return f"{reading['never']:.0%} of its units never fire"
    if "entropy" in reading and reading["entropy"] >= UNIFORM:
        return f"its attention is uniform (entropy {reading['entropy']:.3f} of the greatest)"
    if reading.get("varies", 1.0) < NO_EFFECT:
        if "open" in reading:
            return f"its gate stands still at {reading['open']:.2f}"
        return f"its output varies by {reading['varies']:.2%} of what it joins"
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
