"""TSJNet's quick form computes the taught network's function."""

import copy

import pytest
import quick_tsjnet
import torch
from quick_tsjnet import QuickTSJNet

from mmlib.models.tsjnet import TSJNet, fuse


def pair_of(count: int, *size: int) -> list[torch.Tensor]:
    return [torch.rand(count, 1, *size, dtype=torch.float64) for _ in range(2)]


def seasoned(**shape) -> TSJNet:
    """An untrained network whose batch norms have seen something and have weights of their own."""
    torch.manual_seed(0)
    net = TSJNet(**shape).double()
    n = 7 * net.multiple
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.normal_(part.bias, 0.0, 0.3)
    net.reconstruct(*pair_of(2, n, n + net.multiple))
    return net.eval()


@pytest.mark.parametrize("pixel_unshuffle", [1, 2])
@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("cached", [1, 300, 10**6], ids=["row by row", "bands", "at once"])
def test_it_computes_the_same_picture(monkeypatch, pixel_unshuffle, levels, cached):
    monkeypatch.setattr(quick_tsjnet, "CACHED", cached)
    net = seasoned(width=8, levels=levels, pixel_unshuffle=pixel_unshuffle)
    n = net.multiple
    senses = pair_of(2, 7 * n, 9 * n)
    before = copy.deepcopy(net.state_dict())
    with torch.no_grad():
        for ours, theirs in zip(QuickTSJNet(net)(*senses), net(*senses), strict=True):
            assert theirs.std() > 1e-4 and ours.shape == theirs.shape
            assert torch.allclose(ours, theirs, atol=1e-11)
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items()), "the original stays"


def test_pictures_of_any_size_and_one_after_the_other():
    net = seasoned(width=8, levels=1, pixel_unshuffle=2)
    quick = QuickTSJNet(net)
    for size in ((61, 75), (57, 90)):
        senses = pair_of(1, *size)
        with torch.no_grad():
            assert torch.allclose(fuse(quick, *senses), fuse(net, *senses), atol=1e-11)


def test_a_maps_edges_stay_zero_and_maps_are_made_once():
    room = quick_tsjnet.Room(torch.zeros(1), 4, 5)
    one = room(3)
    one[:, :, 1:-1] = 1
    assert room(3) is one and room(3, 1) is not one
    assert one[:, :, 0].abs().sum() == 0 == one[:, :, -1].abs().sum()
    assert [(rows.start, rows.stop) for rows in room.bands()] == [(1, 5)]
