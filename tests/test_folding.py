"""A folded network is the network."""

import copy

import torch
from folding import folded
from torch import nn

from mmlib.models.tsjnet import TSJNet


def test_a_folded_network_paints_the_same_picture():
    torch.manual_seed(0)
    net = TSJNet(width=8, levels=1, pixel_unshuffle=1).double()
    pair = [torch.rand(2, 1, 28, 32, dtype=torch.float64) for _ in range(2)]
    net.reconstruct(*pair)  # the batch norms have seen something
    before = copy.deepcopy(net.eval().state_dict())
    lean = folded(net)
    norms = [sum(isinstance(part, nn.BatchNorm2d) for part in one.modules()) for one in (lean, net)]
    assert norms[0] == 0 < norms[1]
    with torch.no_grad():
        for ours, theirs in zip(lean(*pair), net(*pair)):
            assert theirs.std() > 1e-4 and torch.allclose(ours, theirs, atol=1e-11)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items()), "the original stays"


def test_only_what_nobody_else_needs_is_overwritten():
    net = nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.ReLU(), nn.Sigmoid(), nn.ReLU())
    lean, x = folded(net), torch.randn(1, 1, 4, 4)
    assert [part.inplace for part in lean if isinstance(part, nn.ReLU)] == [False, True, False]
    kept = x.clone()
    lean(x)
    assert torch.equal(x, kept)
