"""Losses of fused images, against hand-worked values, slow loops, and the metric of the same name."""

import pytest
import torch

from mmlib.losses import fusion
from mmlib.metrics.fusion import ssim as metric


def pair(size=(17, 23)):
    dice = torch.Generator().manual_seed(0)
    return torch.rand(2, 1, *size, generator=dice), torch.rand(2, 1, *size, generator=dice)


def test_edges_of_a_step():
    step = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 1, 3, 4)
    assert fusion.edges(step)[0, 0].tolist() == [[0, 4, 4, 0]] * 3


def test_edges_equal_the_slow_loop():
    image = pair((5, 6))[0][:1]
    kernel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate")[0, 0]
    for row in range(5):
        for column in range(6):
            patch = padded[row : row + 3, column : column + 3]
            want = (patch * kernel).sum().abs() + (patch * kernel.T).sum().abs()
            assert fusion.edges(image)[0, 0, row, column] == pytest.approx(float(want), abs=1e-5)


def test_a_constant_shift_costs_grey_but_no_edges():
    image, _ = pair()
    terms = fusion.first_round(image + 0.25, image)
    assert terms["grey"] == pytest.approx(0.25) and terms["edges"] < 1e-6


def test_ssim_equals_the_metric_with_zeros_around():
    fused, target = pair()
    want = metric(fused, target, target, window="gaussian", border="zero", reduce="mean")
    assert torch.allclose(fusion.ssim(fused, target).double(), want, atol=1e-5)


def test_what_equals_its_target_costs_nothing():
    image, _ = pair()
    for loss in (fusion.first_round, fusion.later_rounds):
        assert all(abs(float(term)) < 1e-5 for term in loss(image, image).values())


def test_every_term_pulls_towards_the_target():
    fused, target = pair()
    for loss in (fusion.first_round, fusion.later_rounds):
        for name in loss(fused, target):
            moving = fused.clone().requires_grad_()
            loss(moving, target)[name].backward()
            nearer = loss(fused - 1e-2 * moving.grad / moving.grad.abs().max(), target)[name]
            assert nearer < loss(fused, target)[name], name
