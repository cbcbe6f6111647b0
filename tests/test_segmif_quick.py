"""SegMiF at test time computes what chapter 7 builds: against it in float64, where rounding is no excuse."""

import pytest
import quick_segmif
import torch
from quick_segmif import QuickFusion, QuickLinear, QuickSegmenter, quick_encoder
from torch import nn

from mmlib.backbones.mit import MiT
from mmlib.models.segmif import HIA, Addition, FusionNet, Nothing, Segmenter, SoAM, fuse, hia


def random_weights(module, spread=0.3):
    """The module with every weight and statistic drawn anew, none of them special."""
    dice = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point():
                drawn = spread * torch.randn(value.shape, generator=dice)
                value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return module.eval()


def inputs(height, width, seen, batch=2):
    """Luma, infrared and two maps."""
    dice = torch.Generator().manual_seed(1)
    luma, ir = torch.rand(2, batch, 1, height, width, generator=dice, dtype=torch.float64)
    sizes = [(-(-height // n), -(-width // n)) for n in (4, 8)]
    return luma, ir, [torch.randn(batch, c, *size, generator=dice).double() for c, size in zip(seen, sizes)]


def far(found, exact):
    """The largest error in parts of the largest value."""
    return float((found - exact).abs().max() / exact.abs().max())


@pytest.mark.parametrize("pixels", [1, 300, 10_000])
@pytest.mark.parametrize("size", [(24, 32), (21, 37), (3, 5)])
def test_fusion_is_the_same_function_whatever_the_bands(monkeypatch, pixels, size):
    monkeypatch.setattr(quick_segmif, "CACHED", pixels)
    net, given = random_weights(FusionNet(hia(16), 16, 8, 3, seg_channels=(8, 12)).double()), inputs(*size, (8, 12))
    with torch.no_grad():
        assert far(QuickFusion(net)(*given), net(*given)) < 1e-10


def test_fusion_without_interaction_is_the_same_function():
    net, given = random_weights(FusionNet(None, 16, 8, 2).double()), inputs(20, 28, (1, 1))[:2]
    with torch.no_grad():
        assert far(QuickFusion(net)(*given), net(*given)) < 1e-10


def test_fusion_in_float32_errs_no_more_than_the_taught_network():
    """At the paper's width, with an interaction that chooses: its tables are far from uniform."""
    exact = random_weights(FusionNet(hia()).double(), spread=0.05)
    luma, ir, maps = inputs(48, 64, (64, 128), batch=1)
    single = (luma.float(), ir.float(), [x.float() for x in maps])
    net = FusionNet(hia()).eval()
    net.load_state_dict(exact.state_dict())
    with torch.no_grad():
        want = exact(luma, ir, maps)
        quick, taught = far(QuickFusion(net)(*single), want), far(net(*single), want)
    assert quick < 2e-5 and quick < 3 * taught + 1e-6


def test_the_network_given_stays_as_it_was():
    net = random_weights(FusionNet(hia(8), 8, 4, 1, seg_channels=(8, 8))).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    QuickFusion(net)
    assert net.training and all(p.requires_grad for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_other_interactions_are_refused():
    for block in (HIA(8, SoAM(8, 1), Nothing()), Addition(8)):
        with pytest.raises(ValueError, match="SoAM and MoAM"):
            QuickFusion(FusionNet(block, 8, 4, 1))


@pytest.mark.parametrize("shape", [(2, 12, 6), (1, 7, 6), (3, 5, 6), (1, 300, 6)])
def test_a_linear_layer_is_a_convolution(shape):
    layer, x = nn.Linear(6, 10).double(), torch.randn(shape, dtype=torch.float64)
    assert torch.allclose(QuickLinear(layer)(x), layer(x), atol=1e-12)


@pytest.mark.parametrize("size", [(64, 96), (50, 70)])
def test_the_segmenter_is_the_same_function(size):
    net = random_weights(Segmenter(MiT("b0"), 9, 32).double())
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(2)).double()
    with torch.no_grad():
        assert far(QuickSegmenter(net)(image), net(image)) < 1e-9


def test_the_whole_of_it_fuses_alike():
    fusion = random_weights(FusionNet(hia(16), 16, 8, 2, seg_channels=(32, 64)), spread=0.1)
    guide = random_weights(MiT("b0"), spread=0.1)
    rgb, ir = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        want = fuse(fusion, guide, rgb, ir, ir)
        assert far(fuse(QuickFusion(fusion), quick_encoder(guide), rgb, ir, ir), want) < 1e-3
