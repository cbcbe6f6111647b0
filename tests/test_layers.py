"""Shared layers keep the sizes that they promise."""

import pytest
import torch
from torch import nn

from mmlib.layers import conv_norm_act


@pytest.mark.parametrize(("options", "size"), [
    ({}, (8, 12)), ({"kernel": 1}, (8, 12)), ({"kernel": 5, "dilation": 2}, (8, 12)), ({"stride": 2}, (4, 6)),
    ({"groups": 3}, (8, 12)),
])  # fmt: skip
def test_sizes(options, size):
    layer = conv_norm_act(3, 6, **options)
    assert layer(torch.rand(2, 3, 8, 12)).shape == (2, 6, *size)


def test_parts_are_convolution_norm_activation_and_can_be_swapped():
    layer = conv_norm_act(3, 8, norm=lambda channels: nn.GroupNorm(2, channels), act=nn.ReLU6)
    assert [type(part) for part in layer] == [nn.Conv2d, nn.GroupNorm, nn.ReLU6]
    assert layer[0].bias is None, "the norm would remove it"
    assert layer(100 * torch.randn(2, 3, 4, 4)).max() <= 6


def test_an_even_kernel_cannot_keep_the_size():
    with pytest.raises(ValueError, match="odd kernel.*got 4"):
        conv_norm_act(3, 6, kernel=4)
