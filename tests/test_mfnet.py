"""MFNet: the shapes of its paper, and with its authors' weights the masks that somebody else has made with it."""

import pytest
import torch

from mmlib.backbones.mfnet import MFNet, released_mfnet
from mmlib.data import available, installed, load


def test_scores_have_the_size_of_the_pair():
    net = MFNet().eval()
    with torch.no_grad():
        assert net(torch.rand(2, 3, 32, 48), torch.rand(2, 1, 32, 48)).shape == (2, 9, 32, 48)
    assert sum(p.numel() for p in net.parameters()) == 736_275


def test_both_images_matter():
    torch.manual_seed(0)
    net = MFNet().eval()
    rgb, ir = torch.rand(1, 3, 32, 48), torch.rand(1, 1, 32, 48)
    with torch.no_grad():
        want = net(rgb, ir)
        assert not torch.allclose(net(rgb, 1 - ir), want) and not torch.allclose(net(1 - rgb, ir), want)


@pytest.mark.slow
def test_with_its_authors_weights_it_finds_what_others_found_with_it(shared_data, monkeypatch):
    """The masks in the data are a mean of four passes, so a single one differs at some outlines."""
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    if not available("msrs") or not installed("weights"):
        pytest.skip("no MSRS, or no weights: data_scripts/ obtains them")
    net, pairs = released_mfnet(), load("msrs", boxes=None, derived="mfnet_pseudo")
    for name in ("00004N", "00047N"):
        pair = pairs[name]
        with torch.no_grad():
            found = net(pair["rgb"][None], pair["ir"][None]).argmax(dim=1)[0]
        either = (found > 0) | (pair["derived_labels"] > 0)
        assert float((found == pair["derived_labels"]).float().mean()) > 0.98
        assert float((found == pair["derived_labels"])[either].float().mean()) > 0.75
