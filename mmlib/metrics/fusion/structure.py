"""SSIM and its multi-scale form. Papers that say "SSIM" disagree by a factor of four: every choice is an argument
here.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .filters import gaussian, separable, strips
from .levels import combine, need_positive, need_size, need_weights, planes

_BORDERS = {"valid": None, "zero": "constant", "replicate": "replicate", "reflect": "reflect"}
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    window: str = "uniform",
    size: int | None = None,
    sigma: float = 1.5,
    data_range: float = 255,
    covariance: str | None = None,
    border: str = "valid",
    reduce: str = "sum",
    colour: str = "luma",
) -> Tensor:
    """SSIM of fused with each source, summed or averaged. Higher is better, at most 2 as a sum.

    (B,C,H,W) in [0, 1], sides at least `size` -> (B,).
    - window: "uniform" (size 7 unless given) or "gaussian" (size 11, sigma 1.5).
    - data_range: L in the stabilisers (0.01 L)^2 and (0.03 L)^2, next to grey levels 0..255. It should be 255.
      scikit-image 0.19 took 2 for float images and MATLAB takes 1 for doubles, so that CDDFuse's values hold L
      = 2, Tang's L = 1.
    - covariance: "sample" (N - 1) or "population"; by default sample for the uniform window, as scikit-image does.
    - border: "valid" averages where the window fits; "zero", "replicate" and "reflect" pad and keep the whole image.
    Constant images are fine: the stabilisers decide. Differentiable. Source: Wang et al. 2004.
    """
    need_positive("ssim", data_range=data_range, sigma=sigma)
    f, a, b = planes(fused, rgb, ir, colour=colour)
    taps, bessel = _window(window, size, sigma, covariance)
    if border not in _BORDERS:
        raise ValueError(f"border must be one of {', '.join(_BORDERS)}, got {border!r}")
    if border != "valid" and len(taps) % 2 == 0:
        raise ValueError(f"ssim: expected an odd size of the window where the border is padded, got {len(taps)}")
    need_size(f, len(taps) if border == "valid" else len(taps) // 2 + 1, "ssim")
    if border != "valid":
        edge = len(taps) // 2
        f, a, b = (F.pad(x, (edge, edge, edge, edge), mode=_BORDERS[border]) for x in (f, a, b))
    first, second, _, _ = _similarities((f, a, b), taps, bessel, data_range)
    return combine(first, second, reduce)


def ms_ssim(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    *,
    data_range: float = 255,
    weights: tuple[float, ...] = _SCALE_WEIGHTS,
    reduce: str = "sum",
    colour: str = "luma",
) -> Tensor:
    """MS-SSIM of fused with each source: structure at five scales, luminance at the last. Higher is better.

    (B,C,H,W) in [0, 1], sides above 160 for five scales -> (B,). 11 x 11 Gaussian, sigma 1.5; between scales 2 x 2
    means, an odd side first gaining a row of zeros at both ends; a negative mean at a scale counts as 0 (as
    pytorch_msssim does all three). Differentiable. Source: Wang et al. 2003.
    """
    need_positive("ms_ssim", data_range=data_range)
    need_weights("ms_ssim", weights, 12)
    f, a, b = planes(fused, rgb, ir, colour=colour)
    need_size(f, 10 * 2 ** (len(weights) - 1) + 1, "ms_ssim")
    taps = gaussian(11, 1.5)
    logs = [0.0, 0.0]
    for scale, weight in enumerate(weights):
        means = _similarities((f, a, b), taps, 1.0, data_range)
        for which, value in enumerate(means[:2] if scale == len(weights) - 1 else means[2:]):
            logs[which] = logs[which] + weight * value.clamp(min=torch.finfo(value.dtype).tiny).log()
        if scale < len(weights) - 1:
            f, a, b = (F.avg_pool2d(x, 2, padding=[side % 2 for side in x.shape[-2:]]) for x in (f, a, b))
    return combine(logs[0].exp(), logs[1].exp(), reduce)


def _window(kind: str, size: int | None, sigma: float, covariance: str | None) -> tuple[list[float], float]:
    """The 1-D window, and what turns the windowed covariance into the one asked for."""
    if kind not in ("uniform", "gaussian"):
        raise ValueError(f"window must be 'uniform' or 'gaussian', got {kind!r}")
    if size is None:
        size = 7 if kind == "uniform" else 11
    if not isinstance(size, int) or size < 2:
        raise ValueError(f"ssim: expected as size of the window a whole number of at least 2, got {size}")
    covariance = covariance or ("sample" if kind == "uniform" else "population")
    if covariance not in ("sample", "population"):
        raise ValueError(f"covariance must be 'sample' or 'population', got {covariance!r}")
    taps = [1 / size] * size if kind == "uniform" else gaussian(size, sigma)
    return taps, size**2 / (size**2 - 1) if covariance == "sample" else 1.0


def _moments(image: Tensor, taps: list[float]) -> tuple[Tensor, Tensor]:
    """Local mean and population variance."""
    mean = separable(image, taps)
    return mean, separable(image * image, taps).addcmul_(mean, mean, value=-1)


def _similarities(
    images: tuple[Tensor, Tensor, Tensor], taps: list[float], bessel: float, data_range: float
) -> tuple[Tensor, ...]:
    """Mean SSIM of F with A and with B, then the means of the contrast-structure terms alone, each (B,K)."""
    totals = [0.0] * 4
    for f, a, b in strips(images, len(taps)):
        moments = _moments(f, taps)
        for which, source in enumerate((a, b)):
            luminance, structure = _terms(moments, f, source, taps, bessel, data_range)
            totals[which] = totals[which] + (luminance * structure).sum(dim=(-2, -1))
            totals[which + 2] = totals[which + 2] + structure.sum(dim=(-2, -1))
    height, width = (side - len(taps) + 1 for side in images[0].shape[-2:])
    return tuple(total / (height * width) for total in totals)


def _terms(
    fused: tuple[Tensor, Tensor], f: Tensor, a: Tensor, taps: list[float], bessel: float, data_range: float
) -> tuple[Tensor, Tensor]:
    """Maps of the luminance and the contrast-structure term. `fused`: the moments of f."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    (mean_f, var_f), (mean_a, var_a) = fused, _moments(a, taps)
    means = mean_f * mean_a
    cov = separable(f * a, taps).sub_(means)
    structure = cov.mul_(2 * bessel).add_(c2) / (var_f + var_a).mul_(bessel).add_(c2)
    luminance = (2 * means).add_(c1) / torch.addcmul(mean_f * mean_f, mean_a, mean_a).add_(c1)
    return luminance, structure
