"""The dilated residual networks and the pyramids of context that chapters share."""

import pytest
import torch
from torch import nn

from mmlib.backbones.pyramid import ASPP, DenseASPP, PyramidPooling
from mmlib.backbones.resnet import ResNet
from mmlib.book.figures import count


@pytest.mark.parametrize("depth", [18, 50, 101])
def test_equals_torchvision_with_its_weights(depth):
    models = pytest.importorskip("torchvision.models")
    theirs = getattr(models, f"resnet{depth}")(weights=None)
    if depth != 101:  # random running means, so that a forgotten buffer shows
        for module in theirs.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 2)
    ours = ResNet(depth, output_stride=32)
    missing = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert not missing.missing_keys and set(missing.unexpected_keys) == {"fc.weight", "fc.bias"}
    kept = {}
    for name in ("layer3", "layer4"):
        getattr(theirs, name).register_forward_hook(lambda m, i, o, name=name: kept.update({name: o}))
    image = torch.rand(1, 3, 40, 56)
    with torch.no_grad():
        theirs.eval()(image)
        stage4, stage5 = ours.eval()(image)
    assert torch.allclose(stage4, kept["layer3"], rtol=1e-4, atol=1e-5)
    assert torch.allclose(stage5, kept["layer4"], rtol=1e-4, atol=1e-5)
    assert ours.channels == (stage4.shape[1], stage5.shape[1])


def test_dilation_equals_torchvision_where_it_has_it():
    models = pytest.importorskip("torchvision.models")
    theirs = models.resnet50(weights=None, replace_stride_with_dilation=[False, True, True]).eval()
    ours = ResNet(50, output_stride=8).eval()
    ours.load_state_dict(theirs.state_dict(), strict=False)
    kept = {}
    theirs.layer4.register_forward_hook(lambda m, i, o: kept.update(last=o))
    image = torch.rand(1, 3, 48, 64)
    with torch.no_grad():
        theirs(image)
        assert torch.allclose(ours(image)[1], kept["last"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("output_stride", [4, 8, 16])
def test_output_stride_is_what_it_says(output_stride):
    net = ResNet(18, 2, (4, 8, 8, 16), output_stride).eval()
    for features in net(torch.rand(1, 2, 64, 96)):
        assert features.shape[-2:] == (64 // output_stride, 96 // output_stride)


def test_a_dilated_net_holds_the_undilated_one():
    """At every fourth place of its grid, the dilated net of stride 8 sees nearly what the net of stride 32 sees.

    Only nearly, since the first blocks of a stage still spread like the stage before. The receptive fields agree: a
    constant picture, which has no places, gives the same numbers far from the border.
    """
    coarse, fine = (ResNet(18, 1, (4, 6, 8, 10), stride).double().eval() for stride in (32, 8))
    fine.load_state_dict(coarse.state_dict())
    flat = torch.full((1, 1, 896, 896), 0.3, dtype=torch.float64)
    with torch.no_grad():
        a, b = coarse(flat)[1][0, :, 14, 14], fine(flat)[1][0, :, 56, 56]
    assert torch.allclose(a, b, atol=1e-9)


def test_says_what_it_cannot_build():
    with pytest.raises(ValueError, match="depth"):
        ResNet(17)
    with pytest.raises(ValueError, match="output stride"):
        ResNet(18, output_stride=2)


def test_pyramid_pooling_by_hand():
    """With branches that let means through, channel k of the pooled part is the mean of the cell around a pixel."""
    pool = PyramidPooling(1, 1, bins=(1, 2)).eval()
    for branch in pool.branches:
        nn.init.ones_(branch[0].weight)
    features = torch.arange(16.0).view(1, 1, 4, 4)
    with torch.no_grad():
        out = pool(features)
    assert pool.channels == out.shape[1] == 3
    assert torch.equal(out[:, :1], features)
    scale = (1 + pool.branches[0][1].eps) ** -0.5
    assert torch.allclose(out[0, 1], torch.full((4, 4), 7.5 * scale))
    means = torch.tensor([[2.5, 4.5], [10.5, 12.5]]) * scale  # of the four quarters
    assert torch.allclose(out[0, 2, [[0], [3]], [0, 3]], means)
    assert torch.allclose(out[0, 2, 1, 1], (0.75**2 * means[0, 0] + 0.1875 * (means[0, 1] + means[1, 0])
                                            + 0.0625 * means[1, 1]))  # fmt: skip


def test_pyramid_without_bins_changes_nothing():
    features = torch.rand(2, 5, 3, 4)
    pool = PyramidPooling(5, bins=())
    assert pool.channels == 5 and torch.equal(pool(features), features) and count(pool) == 0


def test_pyramids_hold_as_many_numbers_as_their_papers_say():
    with torch.device("meta"):
        assert count(PyramidPooling(2048)) == 4 * (2048 * 512 + 2 * 512)
        aspp = ASPP(2048, 256, (6, 12, 18))
        dense = DenseASPP(512)
    views = 2 * (2048 * 256 + 512) + 3 * (9 * 2048 * 256 + 512)
    assert count(aspp) == views + 5 * 256 * 256 + 512
    rows = [(512 + 64 * i) * 256 + 512 + 9 * 256 * 64 + 128 for i in range(5)]
    assert count(dense) == sum(rows) and dense.channels == 512 + 5 * 64


@pytest.mark.parametrize("kind", [PyramidPooling, ASPP, DenseASPP])
def test_context_reaches_far_and_keeps_the_size(kind):
    torch.manual_seed(0)
    net = kind(32).double().eval()  # so wide that not every far branch can be cut off by its ReLU
    features = torch.rand(2, 32, 24, 30, dtype=torch.float64, requires_grad=True)
    out = net(features)
    assert out.shape == (2, net.channels, 24, 30)
    out[0, :, 12, 15].sum().backward()
    assert features.grad[0, :, 12, 15].abs().sum() > 0
    assert features.grad[0, :, 12 - 9 :: 18].abs().sum() > 0, "nine rows away"
    assert features.grad[1].abs().sum() == 0, "another picture has no say"
