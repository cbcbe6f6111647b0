"""Convolutions by tiles are the convolutions that they stand for."""

import pytest
import torch
from torch import nn

from mmlib.blocks.winograd import QuickConv, for_testing, quick
from mmlib.models.tsjnet import TSJNet


@pytest.mark.parametrize("groups, bias", [(1, True), (2, False)])
@pytest.mark.parametrize("height, width", [(4, 4), (5, 7), (18, 21), (33, 8)])
def test_it_equals_the_convolution(groups, bias, height, width):
    torch.manual_seed(height)
    conv = nn.Conv2d(6, 10, 3, padding=1, groups=groups, bias=bias).double()
    x = torch.randn(2, 6, height, width, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(QuickConv(conv, band=2)(x), conv(x), atol=1e-12)


def test_in_float32_it_stays_within_rounding():
    torch.manual_seed(0)
    conv, x = nn.Conv2d(128, 64, 3, padding=1), torch.randn(1, 128, 24, 24)
    with torch.no_grad():
        exact = conv.double()(x.double()).float()
        apart = (QuickConv(conv.float())(x) - exact).abs().max() / exact.abs().max()
    assert apart < 2e-5


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 4, 1),
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 3, 2, 1),
        nn.Conv2d(4, 4, 3, 1, 2, 2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Linear(4, 4),
    ],
)
def test_other_layers_are_refused(conv):
    assert not quick(conv)
    with pytest.raises(ValueError, match="expected a 3 x 3 convolution"):
        QuickConv(conv)


def test_a_network_for_testing_paints_the_same_picture():
    torch.manual_seed(0)
    net = TSJNet(width=8, levels=1, fold=1)
    pair = torch.rand(2, 1, 28, 32), torch.rand(2, 1, 28, 32)
    net.rebuild(*pair)  # the batch norms have seen something
    lean = for_testing(net, least=8)
    kinds = [type(part) for part in lean.modules()]
    assert QuickConv in kinds
    folded = [part for part in lean.modules() if isinstance(part, nn.BatchNorm2d)]
    assert len(folded) < sum(isinstance(part, nn.BatchNorm2d) for part in net.modules()) / 2
    with torch.no_grad():
        for ours, theirs in zip(lean(*pair), net.eval()(*pair)):
            assert torch.allclose(ours, theirs, atol=2e-5)
