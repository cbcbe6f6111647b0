"""Fusion metrics: how much of two source images, visible A and infrared B, one fused image F carries.

Every metric is a function `metric(fused, rgb, ir, *, convention...) -> (B,)` of image batches (B,1,H,W) or (B,3,H,W)
in [0, 1]. What papers do differently (sum or mean over the sources, data range, logarithm, window, colour) are keyword
arguments; the combinations found in print are ready in CONVENTIONS:

    evaluate(fused, rgb, ir, convention="cddfuse")["ssim"]
    ssim(fused, rgb, ir, **CONVENTIONS["cddfuse"]["ssim"])     # the same, for images of whole grey levels

Images with NaN or infinite values, values outside [0, 1], integers or unequal sizes are refused with an error that says
what to do. What a constant image gives stands with each metric; where nothing is said it is an ordinary number.
"""

from .contrast import ag, ei, sd, sf
from .conventions import (
    CONVENTIONS,
    HIGHER_IS_BETTER,
    METRICS,
    MORE,
    Accumulator,
    convention_of,
    evaluate,
    list_metrics,
)
from .correlation import cc, mse, psnr, rmse, scd
from .edges import nabf, qabf
from .features import fmi, fmi_gradient, fmi_pixel
from .fidelity import vif, viff
from .information import ce, en, mi, nmi, qncie
from .perception import qcb, qcv
from .phase import qp
from .saliency import q0, qe, qw, qy
from .structure import ms_ssim, ssim

__all__ = [
    "CONVENTIONS",
    "HIGHER_IS_BETTER",
    "METRICS",
    "MORE",
    "Accumulator",
    "ag",
    "cc",
    "ce",
    "ei",
    "en",
    "convention_of",
    "evaluate",
    "fmi",
    "fmi_gradient",
    "fmi_pixel",
    "list_metrics",
    "ms_ssim",
    "mi",
    "mse",
    "nabf",
    "nmi",
    "psnr",
    "q0",
    "qabf",
    "qcb",
    "qcv",
    "qe",
    "qncie",
    "qp",
    "qw",
    "qy",
    "rmse",
    "scd",
    "sd",
    "sf",
    "ssim",
    "vif",
    "viff",
]
