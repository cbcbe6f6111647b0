"""Forgetting and computing again changes memory, and nothing else."""

import copy

import torch
from thrifty import thrifty
from torch import nn

from mmlib.models.tsjnet import Bottleneck, DetailBranch, SplitAttention, TSJNet


def stepped(net, pair):
    """The losses of one training step, the gradients, and the buffers after it."""
    torch.manual_seed(1)  # drop path and dropout draw the same
    net.train()
    made = net.reconstruct(*pair)
    loss = sum((made[name] - 0.3).abs().mean() for name in ("fused", "vis", "ir", "gates"))
    loss.backward()
    return loss, {k: p.grad for k, p in net.named_parameters()}, dict(net.named_buffers())


def test_a_step_is_the_same_with_running_means_that_count_once():
    torch.manual_seed(0)
    net = TSJNet(width=8, levels=1, pixel_unshuffle=2).double()
    other = copy.deepcopy(net)
    thrifty(part for part in other.modules() if isinstance(part, Bottleneck | SplitAttention | DetailBranch))
    pair = [torch.rand(2, 1, 56, 56, dtype=torch.float64) for _ in range(2)]
    (loss, grads, buffers), (loss2, grads2, buffers2) = stepped(net, pair), stepped(other, pair)
    assert torch.allclose(loss, loss2, atol=1e-12)
    assert grads.keys() == grads2.keys() and all(torch.allclose(grads[k], grads2[k], atol=1e-10) for k in grads)
    assert buffers.keys() == buffers2.keys() and all(torch.allclose(buffers[k], buffers2[k]) for k in buffers)
    assert buffers2["encoder.trunk.3.residual.0.1.num_batches_tracked"] == 1
    with torch.no_grad():
        assert torch.allclose(net.eval()(*pair)[0], other.eval()(*pair)[0], atol=1e-12)


def kept(net, x):
    """How many numbers a forward pass keeps for the backward pass."""
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        net(x)
    return sum(sizes)


def test_less_is_kept():
    torch.manual_seed(0)
    parts = [nn.Sequential(nn.Conv2d(4, 32, 1), nn.Tanh(), nn.Conv2d(32, 4, 1)) for _ in range(4)]
    net, x = nn.ModuleList(parts), torch.rand(1, 4, 16, 16, requires_grad=True)
    before = kept(nn.Sequential(*net), x)
    thrifty(net)
    assert kept(nn.Sequential(*net), x) < before / 4
