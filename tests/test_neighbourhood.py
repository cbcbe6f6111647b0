"""Attention by tiles is neighbourhood attention, gradients and state included."""

import pytest
import torch
from neighbourhood import TiledAttention, tiled

from mmlib.models.tsjnet import NeighbourhoodAttention, TSJNet


@pytest.mark.parametrize("height, width", [(7, 7), (8, 13), (16, 9), (23, 31), (14, 40)])
def test_it_equals_attention_place_by_place(height, width):
    torch.manual_seed(height)
    whole = NeighbourhoodAttention(channels=12, heads=3).double()
    part, x = TiledAttention(whole), torch.randn(2, height, width, 12, dtype=torch.float64)
    assert torch.allclose(part(x), whole(x), atol=1e-12)


def test_gradients_are_equal_too():
    torch.manual_seed(0)
    whole = NeighbourhoodAttention(channels=8, heads=2).double()
    part, x, found = TiledAttention(whole), torch.randn(1, 11, 17, 8, dtype=torch.float64, requires_grad=True), []
    for attention in (whole, part):
        (attention(x) ** 2).sum().backward()
        found.append([x.grad, *(p.grad for p in whole.parameters())])
        x.grad = None
        whole.zero_grad(set_to_none=True)
    assert len(found[0]) == 6 and all(torch.allclose(a, b, atol=1e-10) for a, b in zip(*found))


def test_a_network_keeps_its_names_and_its_pictures():
    torch.manual_seed(0)
    net = TSJNet(width=8, levels=1, pixel_unshuffle=2).eval()
    made, pair = tiled(net), [torch.rand(1, 1, 80, 104) for _ in range(2)]
    assert made.state_dict().keys() == net.state_dict().keys()
    with torch.no_grad():
        assert torch.allclose(made(*pair)[0], net(*pair)[0], atol=1e-6)
    assert not any(isinstance(m, NeighbourhoodAttention) for m in made.modules())
    assert any(isinstance(m, NeighbourhoodAttention) for m in net.modules())


def test_a_map_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="6 x 9 is too small"):
        TiledAttention(NeighbourhoodAttention(4, 1))(torch.zeros(1, 6, 9, 4))
