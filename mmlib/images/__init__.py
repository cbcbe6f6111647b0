"""The one place that converts images: files and tensors, 8 bit and [0, 1], RGB and BGR, colour and luma.

Inside the library an image is float32 in [0, 1] with the channels before height and width, RGB order. A label image
holds integers and never passes through a float. Everything else that exists in the world (8 and 16 bit files,
palettes, BGR, height-width-channel arrays, JPEG) is converted here and nowhere else.
"""

from mmlib.images.convert import (
    IGNORE,
    LUMA_WEIGHTS,
    check_image,
    check_labels,
    from_hwc,
    from_uint8,
    jpeg,
    luma,
    luma8,
    rgb_to_ycbcr,
    swap_rgb_bgr,
    to_hwc,
    to_uint8,
    ycbcr_to_rgb,
)
from mmlib.images.files import image_size, read_image, read_labels, read_luma, read_mask, write_image, write_labels

__all__ = [
    "IGNORE",
    "LUMA_WEIGHTS",
    "check_image",
    "check_labels",
    "from_hwc",
    "from_uint8",
    "image_size",
    "jpeg",
    "luma",
    "luma8",
    "read_image",
    "read_labels",
    "read_luma",
    "read_mask",
    "rgb_to_ycbcr",
    "swap_rgb_bgr",
    "to_hwc",
    "to_uint8",
    "write_image",
    "write_labels",
    "ycbcr_to_rgb",
]
