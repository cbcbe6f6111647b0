"""Fusion without learning, against answers worked by hand and against a slow reference."""

import pytest
import torch

from mmlib.fusion import rules

ROW = torch.tensor([0.0, 0.0, 0.0, 255.0]).view(1, 1, 1, 4) / 255
RULES = (rules.average, rules.maximum, rules.by_saliency, rules.laplacian_pyramid)


def pair(seed=0, size=(13, 18)):
    dice = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, *size, generator=dice), torch.rand(2, 1, *size, generator=dice)


def test_the_odd_one_out_is_salient():
    # V of a black pixel is 255/4, of the white one 3 * 255/4; stretched: 0 and 1
    assert rules.saliency(ROW).flatten().tolist() == [0, 0, 0, 1]


def test_saliency_equals_the_slow_sum():
    image = pair()[0][:1]
    grey = (image.flatten() * 255).round()
    raw = (grey[:, None] - grey).abs().mean(1)
    want = (raw - raw.min()) / (raw.max() - raw.min())
    assert torch.allclose(rules.saliency(image).flatten(), want, atol=1e-5)


def test_a_constant_image_has_no_saliency():
    assert not rules.saliency(torch.full((1, 1, 5, 5), 0.3)).any()


def test_each_image_of_a_batch_is_on_its_own():
    luma, ir = pair()
    for rule in RULES:
        assert torch.allclose(rule(luma, ir)[1:], rule(luma[1:], ir[1:]), atol=1e-6)


def test_weights_by_hand():
    # infrared: the last pixel salient; visible: constant, so W = 0.5 + V_ir / 2 = 0.5, 0.5, 0.5, 1
    luma = torch.full((1, 1, 1, 4), 0.4)
    assert rules.saliency_weight(luma, ROW).flatten().tolist() == [0.5, 0.5, 0.5, 1.0]
    assert torch.allclose(rules.by_saliency(luma, ROW).flatten(), torch.tensor([0.2, 0.2, 0.2, 1.0]))


def test_swapping_the_senses_changes_nothing():
    luma, ir = pair()
    for rule in RULES:
        assert torch.allclose(rule(luma, ir), rule(ir, luma), atol=1e-6)


def test_equal_images_fuse_to_themselves():
    luma, _ = pair()
    for rule in RULES:
        assert torch.allclose(rule(luma, luma), luma, atol=1e-6)


def test_the_result_lies_between_the_sources_where_it_is_a_mixture():
    luma, ir = pair()
    for rule in (rules.average, rules.by_saliency, rules.maximum):
        fused = rule(luma, ir)
        assert (fused >= torch.minimum(luma, ir) - 1e-6).all() and (fused <= torch.maximum(luma, ir) + 1e-6).all()


def test_a_pyramid_keeps_the_stronger_detail():
    flat, dotted = torch.full((1, 1, 32, 32), 0.5), torch.full((1, 1, 32, 32), 0.5)
    dotted[..., 16, 16] = 0.9
    fused = rules.laplacian_pyramid(flat, dotted, levels=1)
    assert fused[..., 16, 16] > rules.average(flat, dotted)[..., 16, 16] + 0.1


def test_colour_is_refused():
    with pytest.raises(ValueError, match="grey"):
        rules.average(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 4, 4))
