"""Metrics from grey-level histograms: entropy, mutual information, cross entropy. Counts have no gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .levels import combine, need_base, planes

GREYS = 256


def en(
    fused: Tensor, rgb: Tensor | None = None, ir: Tensor | None = None, *, base: float = 2, colour: str = "luma"
) -> Tensor:
    """EN, the Shannon entropy of the fused image's grey levels: -sum p log p. Higher is better.

    fused (B,C,H,W) in [0, 1] -> (B,); the sources are not looked at. base: of the logarithm, 2 for bits. Grey levels
    are rounded to 0..255. A constant image has 0. Source: Roberts et al. 2008.
    """
    need_base("en", base)
    (f,) = planes(fused, colour=colour)
    return (entropy(histogram(_greys(f))) / math.log(base)).mean(dim=1)


def mi(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    base: float = math.e,
    reduce: str = "sum",
    merge_brightest: bool = False,
    colour: str = "luma",
) -> Tensor:
    """MI, the mutual information of fused and each source, I(A,F) + I(B,F), from joint histograms. Higher is better.

    (B,C,H,W) in [0, 1] -> (B,). base: e gives nats (CDDFuse, VIFB), 2 gives bits. merge_brightest: count levels 254
    and 255 as one in the joint histogram only, as the MATLAB evaluator of Tang does where an 8-bit index saturates;
    adds up to 4 %. A constant fused image has 0. Source: Qu et al. 2002.
    """
    need_base("mi", base)
    f, a, b = (_greys(x) for x in planes(fused, rgb, ir, colour=colour))
    values = [_shared(_joint(x, f), merge_brightest) / math.log(base) for x in (a, b)]
    return combine(*values, reduce)


def nmi(
    fused: Tensor, rgb: Tensor, ir: Tensor, *, normalise: str = "arithmetic", reduce: str = "sum", colour: str = "luma"
) -> Tensor:
    """NMI (Q_MI), mutual information relative to the entropies, free of the logarithm's base. Higher is better.

    normalise: "arithmetic": 2 I(A,F) / (H(A) + H(F)) for each source (Hossny et al. 2008); "sources": 2 I(A,F) / (H(A)
    + H(B)), as in IVIF_ZOO; "joint": (H(A) + H(F)) / H(A,F), Studholme's ratio of 1 to 2. nan where the entropies
    below the line are 0.
    """
    f, a, b = (_greys(x) for x in planes(fused, rgb, ir, colour=colour))
    joints = [_joint(x, f) for x in (a, b)]
    both = sum(entropy(joint.sum(dim=-1)) for joint in joints)
    if normalise == "joint":
        values = [_marginals(joint) / entropy(joint.flatten(-2)) for joint in joints]
    elif normalise in ("arithmetic", "sources"):
        below = [_marginals(joint) if normalise == "arithmetic" else both for joint in joints]
        values = [2 * _shared(joint) / entropies for joint, entropies in zip(joints, below)]
    else:
        raise ValueError(f"normalise must be 'arithmetic', 'sources' or 'joint', got {normalise!r}")
    return combine(*values, reduce)


def qncie(fused: Tensor, rgb: Tensor, ir: Tensor, *, colour: str = "luma") -> Tensor:
    """Q_NCIE: one minus the entropy, to base 256, of the eigenvalues of the three images' nonlinear correlations.

    (B,C,H,W) in [0, 1] -> (B,), between 1 - log(3)/log(256) = 0.80 and 1. Higher is better. The nonlinear correlation
    of two images is their mutual information to base 256. It also rewards sources that are alike, whatever F is.
    Source: Wang, Shen and Jin 2008, as Liu's toolbox computes it.
    """
    f, a, b = (_greys(x) for x in planes(fused, rgb, ir, colour=colour))
    ab, af, bf = (_shared(_joint(x, y)) / math.log(GREYS) for x, y in ((a, b), (a, f), (b, f)))
    one = torch.ones_like(ab)
    rows = [torch.stack(row, dim=-1) for row in ((one, ab, af), (ab, one, bf), (af, bf, one))]
    shares = torch.linalg.eigvalsh(torch.stack(rows, dim=-2)).clamp(min=0) / 3
    return (1 - entropy(shares) / math.log(GREYS)).mean(dim=1)


def ce(
    fused: Tensor, rgb: Tensor, ir: Tensor, *, base: float = 2, reduce: str = "mean", colour: str = "luma"
) -> Tensor:
    """CE, VIFB's "cross entropy": sum p_A log(p_A / p_F) over grey levels that both images use. Lower is better.

    (B,C,H,W) in [0, 1] -> (B,). Grey levels missing from either image are left out, so it is not quite a
    Kullback-Leibler divergence and can be negative. 0 for equal histograms, and also for images that share no grey
    level at all.
    """
    need_base("ce", base)
    f, a, b = (histogram(_greys(x)) for x in planes(fused, rgb, ir, colour=colour))
    values = [torch.where((p > 0) & (f > 0), p * (p / f).log(), 0).nan_to_num().sum(dim=-1) for p in (a, b)]
    return combine(values[0] / math.log(base), values[1] / math.log(base), reduce)


def histogram(greys: Tensor, bins: int = GREYS) -> Tensor:
    """Shares (B,K,bins) of the integer values of (B,K,H,W), which lie in [0, bins)."""
    real = torch.float32 if greys.device.type == "mps" else torch.float64
    batch, channels = greys.shape[:2]
    flat = greys.reshape(batch * channels, -1)
    if len(flat) > 1:
        flat = flat + bins * torch.arange(len(flat), device=flat.device)[:, None]  # each plane counts in its own bins
    counts = torch.bincount(flat.flatten(), minlength=batch * channels * bins)
    return counts.view(batch, channels, bins).to(real) / flat.shape[1]


def entropy(shares: Tensor) -> Tensor:
    """Entropy in nats over the last axis of shares that sum to 1."""
    return torch.special.entr(shares).sum(dim=-1)


def _greys(levels: Tensor) -> Tensor:
    """Whole grey levels in bytes, which are counted three times as fast as 64-bit integers."""
    return levels.detach().round().clamp(0, 255).to(torch.uint8)


def _joint(a: Tensor, f: Tensor) -> Tensor:
    """Joint histogram (B,K,256,256): rows the source's levels, columns the fused image's."""
    return histogram(a.int() * GREYS + f, GREYS**2).unflatten(-1, (GREYS, GREYS))


def _marginals(joint: Tensor) -> Tensor:
    return entropy(joint.sum(dim=-1)) + entropy(joint.sum(dim=-2))


def _shared(joint: Tensor, merge_brightest: bool = False) -> Tensor:
    """I = H(A) + H(F) - H(A,F), never negative."""
    marginals = _marginals(joint)
    if merge_brightest:
        joint = torch.cat([joint[..., :254, :], joint[..., 254:, :].sum(dim=-2, keepdim=True)], dim=-2)
        joint = torch.cat([joint[..., :254], joint[..., 254:].sum(dim=-1, keepdim=True)], dim=-1)
    return (marginals - entropy(joint.flatten(-2))).clamp(min=0)
