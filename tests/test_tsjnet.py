"""TSJNet's parts against slow versions of themselves, its losses by hand, its size, and two processes that train it."""

import re

import pytest
import torch
from forks import in_two
from torch import nn

from mmlib.backbones.deeplab import DeepLabV3Plus
from mmlib.book import figures08
from mmlib.book.figures import count
from mmlib.losses.fusion import edges, ssim
from mmlib.models.tsjnet import (
    CorrectedMaximum,
    DetailBranch,
    NATBlock,
    NATBranch,
    NeighbourhoodAttention,
    SpatialGates,
    SplitAttention,
    TSJNet,
    fuse,
    fusion_losses,
    gather_windows,
    weighted_ssim,
    window_start,
)
from mmlib.results import ROOT, load_claims
from mmlib.train import Batches, train

RELEASED = 45_133_055  # of the released network, with 17,040 that its forward never uses
UNUSED = 2 * (128 + 2 * (64 * 64 + 64)) + 2 * 8 * (8 + 1)


@pytest.fixture(scope="module")
def tiny():
    """A small network in eval mode."""
    torch.manual_seed(0)
    return TSJNet(width=8, levels=1, pixel_unshuffle=2).eval()


def test_every_parameter_of_the_paper_is_accounted_for():
    with torch.device("meta"):
        net = TSJNet()
    assert UNUSED == 17_040
    assert count(net) == RELEASED - UNUSED
    assert count(net.decoder) == 1_946_248
    assert count(net.fuse_base) == 20_307_494 - 8_448  # a norm and two 1 x 1 convolutions are never used
    assert count(net.fuse_detail) == 139_848 - 72  # nor is a spatial attention
    assert (net.multiple, 7 * net.multiple) == (32, 224)


def taken_by(attention, q, k, v, i, j):
    """What place (i, j) takes over, by the definition; q, k, v (H, W, heads, d)."""
    (height, width, heads, d), heard = q.shape, []
    top, left = min(max(i - 3, 0), height - 7), min(max(j - 3, 0), width - 7)
    places = [(y, x) for y in range(top, top + 7) for x in range(left, left + 7)]
    for head in range(heads):
        scores = [
            q[i, j, head] @ k[y, x, head] / d**0.5 + attention.relative_bias[head, y - i + 6, x - j + 6]
            for y, x in places
        ]
        shares = torch.stack(scores).softmax(dim=0)
        heard.append(sum(share * v[y, x, head] for share, (y, x) in zip(shares, places)))
    return attention.proj(torch.cat(heard))


@pytest.mark.parametrize("height, width", [(7, 7), (8, 13), (16, 9)])
def test_neighbourhood_attention_equals_a_slow_loop(height, width):
    torch.manual_seed(height)
    attention = NeighbourhoodAttention(channels=12, heads=3).double()
    x = torch.randn(2, height, width, 12, dtype=torch.float64)
    with torch.no_grad():
        got = attention(x)
        q, k, v = attention.qkv(x[1]).view(height, width, 3, 3, 4).unbind(2)
        for i in range(height):
            for j in range(width):
                assert torch.allclose(got[1, i, j], taken_by(attention, q, k, v, i, j), atol=1e-12), (i, j)


def test_without_preferences_a_place_takes_the_mean_of_its_window():
    attention = NeighbourhoodAttention(channels=1, heads=1)
    with torch.no_grad():
        attention.qkv.weight.copy_(torch.tensor([[0.0], [0.0], [1.0]]))
        attention.qkv.bias.zero_()
        attention.relative_bias.zero_()
        attention.proj.weight.fill_(1)
        attention.proj.bias.zero_()
        x = torch.arange(80.0).view(1, 8, 10, 1)
        y = attention(x)
    assert torch.allclose(y[0, 0, 0, 0], x[0, :7, :7].mean()) and torch.allclose(y[0, 7, 9, 0], x[0, 1:, 3:].mean())
    assert torch.allclose(y[0, 4, 5, 0], x[0, 1:8, 2:9].mean())


def test_windows_are_the_numbers_that_they_name():
    assert window_start(9, 7).tolist() == [0, 0, 0, 0, 1, 2, 2, 2, 2]
    at = gather_windows(torch.arange(90.0).view(1, 1, 1, 9, 10), 7)[0, 0, 0, 8, 0].view(7, 7)
    assert at[0, 0] == 20 and at[0, 6] == 26 and at[6, 0] == 80


def test_a_map_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="6 x 9 is too small"):
        NeighbourhoodAttention(4, 1)(torch.zeros(1, 6, 9, 4))


def test_split_attention_mixes_its_splits():
    torch.manual_seed(0)
    part = SplitAttention(channels=4).eval()
    x = torch.randn(2, 4, 6, 5)
    splits = part.split(x).unflatten(1, (2, 4))
    y = part(x)
    assert (y >= splits.amin(dim=1) - 1e-6).all() and (y <= splits.amax(dim=1) + 1e-6).all()
    share = (y - splits[:, 1]) / (splits[:, 0] - splits[:, 1])  # y = a u + (1 - a) w, with one a for each channel
    known = (splits[:, 0] - splits[:, 1]).abs() > 1e-3
    for b in range(2):
        for c in range(4):
            values = share[b, c][known[b, c]]
            assert len(values) > 1 and values.std() < 1e-3


def test_gates_equal_eight_convolutions():
    torch.manual_seed(0)
    gates, x = SpatialGates(16), torch.randn(2, 16, 5, 6)
    y, maps = gates(x)
    for group in range(8):
        part = x[:, 2 * group : 2 * group + 2]
        weight = gates.score.weight[group, :, 0, 0]
        seen = (part * weight[:, None, None]).sum(dim=1) + gates.score.bias[group]
        assert torch.allclose(maps[:, group], seen.sigmoid(), atol=1e-6)
        assert torch.allclose(y[:, 2 * group : 2 * group + 2], part * seen.sigmoid()[:, None], atol=1e-6)


@pytest.mark.parametrize("levels, height, width", [(1, 28, 32), (2, 56, 64), (3, 112, 112)])
def test_the_branch_returns_to_full_size_from_every_level(levels, height, width):
    branch = NATBranch(4, levels).eval()
    x = torch.randn(1, 4, height, width)
    assert branch(x).shape == x.shape
    assert (branch(x) >= x).all(), "what is added has passed a ReLU6"
    assert (branch(x) <= x + 6).all()


def test_drop_path_drops_that_share_and_keeps_the_mean():
    torch.manual_seed(0)
    layer, change = NATBlock(4, 1, drop_path=0.25), torch.ones(4000, 1, 1, 1)
    kept = layer.drop_path(change)
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert float((kept == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert torch.equal(layer.eval().drop_path(change), change)


def test_details_do_not_depend_on_the_company():
    torch.manual_seed(0)
    part, x = DetailBranch(8).eval(), torch.randn(3, 8, 10, 12)
    assert torch.allclose(part(x)[1:2], part(x[1:2]), atol=1e-6)


def test_training_and_testing_fuse_the_same(tiny):
    visible, ir = torch.rand(2, 1, 64, 56), torch.rand(2, 1, 64, 56)
    fused, gates = tiny(visible, ir)
    out = tiny.reconstruct(visible, ir)
    assert torch.allclose(out["fused"], fused, atol=1e-6) and torch.allclose(out["gates"], gates, atol=1e-6)
    swapped = tiny.reconstruct(ir, visible)
    assert torch.allclose(swapped["fused"], fused, atol=1e-5), "features are added, so the senses may change places"
    assert torch.allclose(swapped["vis"], out["ir"], atol=1e-6)


def test_any_size_is_fused_and_one_that_fits_is_left_alone(tiny):
    visible, ir = torch.rand(1, 1, 60, 83), torch.rand(1, 1, 60, 83)
    fused = fuse(tiny, visible, ir)
    assert fused.shape == visible.shape and fused.min() >= 0 and fused.max() <= 1
    small = fuse(tiny, visible[..., :20, :30], ir[..., :20, :30])
    assert small.shape == (1, 1, 20, 30)
    fits = visible[..., :56, :64], ir[..., :56, :64]
    assert torch.equal(fuse(tiny, *fits), tiny(*fits)[0])


def test_the_losses_of_a_perfect_picture_are_zero():
    image = torch.rand(2, 1, 24, 24)
    gates = torch.zeros(2, 8, 24, 24)
    gates[:, 3] = 1
    terms = fusion_losses({"fused": image, "vis": image, "ir": image, "gates": gates}, image, image)
    assert {k: round(float(v), 5) for k, v in terms.items()} == {
        "grey": 0, "edges": 0, "structure": 0, "gates": pytest.approx(0.1 / 8),
        "reconstruction, vis": 0, "reconstruction, ir": 0,
    }  # fmt: skip


def test_the_losses_by_hand():
    visible, ir = torch.rand(3, 1, 20, 20), torch.rand(3, 1, 20, 20)
    fused, gates = torch.rand(3, 1, 20, 20), torch.rand(3, 8, 20, 20)
    out = {"fused": fused, "vis": 0 * visible, "ir": 0 * ir, "gates": gates}
    terms = fusion_losses(out, visible, ir)
    grey = sum(abs(f - max(v, i)) for f, v, i in zip(*(x.flatten().tolist() for x in (fused, visible, ir)))) / 1200
    assert float(terms["grey"]) == pytest.approx(20 * grey, rel=1e-4)
    share = [
        float(edges(v[None]).mean() / (edges(v[None]).mean() + edges(i[None]).mean())) for v, i in zip(visible, ir)
    ]
    like = [
        s * float(ssim(f[None], v[None])) + (1 - s) * float(ssim(f[None], i[None]))
        for s, f, v, i in zip(share, fused, visible, ir)
    ]
    assert float(terms["structure"]) == pytest.approx(10 * (1 - sum(like) / 3), rel=1e-4)
    assert float(terms["reconstruction, vis"]) == pytest.approx(6 * float((visible**2).mean()), rel=1e-4)
    assert float(terms["reconstruction, ir"]) == pytest.approx(float((ir**2).mean()), rel=1e-4)
    assert float(terms["gates"]) == pytest.approx(0.1 * float(1 - gates.amax(1).mean() + gates.mean()), rel=1e-4)


def test_the_image_with_the_edges_has_the_say():
    flat, stripes = torch.full((1, 1, 24, 24), 0.5), torch.rand(1, 1, 24, 24)
    assert float(weighted_ssim(stripes, stripes, flat)) == pytest.approx(1, abs=1e-5)
    assert float(weighted_ssim(flat, stripes, flat)) < 0.5


@pytest.mark.parametrize(("number", "name", "branch"), [(0, "base", NATBranch(8, 1)), (1, "detail", DetailBranch(8))])
def test_without_a_branch_the_features_go_straight_through(number, name, branch):
    net = TSJNet(width=8, levels=1, pixel_unshuffle=2, **{name: lambda *_: nn.Identity()}).eval()
    x = torch.rand(1, 1, 56, 56)
    with torch.no_grad():
        features = net.encoder.reduce(net.encoder.trunk(net.encoder.embed(x)))
        assert torch.equal(net.encoder(x)[number], features)
    assert count(net) == count(TSJNet(width=8, levels=1, pixel_unshuffle=2)) - 2 * count(branch)


def test_the_segmenter_keeps_the_size_and_minds_its_own_business():
    torch.manual_seed(0)
    net, image = DeepLabV3Plus(5, depth=10, width=8, rates=(1, 2)).eval(), torch.rand(3, 3, 40, 56)
    assert net(image).shape == (3, 5, 40, 56)
    assert torch.allclose(net(image)[:1], net(image[:1]), atol=1e-5)
    bottlenecks = DeepLabV3Plus(5, depth=50, width=4, rates=(1, 2)).eval()
    assert bottlenecks(image).shape == (3, 5, 40, 56)


def test_a_correction_starts_at_the_maximum_and_can_leave_it():
    torch.manual_seed(0)
    net = CorrectedMaximum(TSJNet(width=8, levels=1, pixel_unshuffle=2)).eval()
    visible, ir = torch.rand(2, 1, 56, 64), torch.rand(2, 1, 56, 64)
    brightest = torch.maximum(visible, ir)
    with torch.no_grad():
        assert torch.equal(net(visible, ir)[0], brightest)
        out = net.reconstruct(visible, ir)
        assert torch.equal(out["fused"], brightest)
        alone = net.net.reconstruct(visible, ir)
        assert torch.equal(out["vis"], alone["vis"]) and torch.equal(out["ir"], alone["ir"]), "decoded without the skip"
        nn.init.normal_(net.correction[0].weight)
        fused = net(visible, ir)[0]
        assert not torch.allclose(fused, brightest, atol=0.05) and (fused - brightest).abs().max() <= 0.5
        assert torch.allclose(net.reconstruct(visible, ir)["fused"], fused, atol=1e-6)
        cut = fuse(net, visible, ir)
    assert cut.min() >= 0 and cut.max() <= 1 and torch.equal(cut, fused.clamp(0, 1))


def test_another_target_moves_the_grey_term_alone():
    visible, ir, gates = torch.rand(2, 1, 20, 20), torch.rand(2, 1, 20, 20), torch.rand(2, 8, 20, 20)
    out = {"fused": torch.rand(2, 1, 20, 20), "vis": visible, "ir": ir, "gates": gates}
    usual = fusion_losses(out, visible, ir)
    same = fusion_losses(out, visible, ir, torch.maximum(visible, ir))
    other = fusion_losses(out, visible, ir, out["fused"])
    assert all(torch.equal(usual[name], same[name]) for name in usual)
    assert other["grey"] == 0 < usual["grey"]
    assert all(torch.equal(usual[name], other[name]) for name in usual if name != "grey")


def test_the_command_for_full_size_divides_the_papers_batches():
    text = (ROOT / "nbs" / "08_tsjnet.ipynb").read_text()
    processes = int(re.search(r"nproc_per_node=(\d+) -m mmlib.book.script 08 --preset paper", text)[1])
    paper = load_claims("tsjnet").presets["paper"]
    assert paper["batch"] % processes == 0 and 8 % processes == 0  # 8: the default batch of the detector


def test_what_is_tested_on_one_real_set_has_learned_from_another():
    for test, learned in figures08.LEARNED_FROM.items():
        assert test != learned


@pytest.mark.slow
def test_a_frozen_two_stage_detector_guides_and_stays_as_it_is():
    from mmlib.detect.two_stage import faster_rcnn, two_stage_loss

    torch.manual_seed(0)
    net = faster_rcnn(3, size=64, pretrained=False).requires_grad_(False)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    image = torch.rand(2, 3, 64, 96, requires_grad=True)
    boxes, labels = [torch.tensor([[10.0, 10, 40, 50]]), torch.zeros(0, 4)], [torch.tensor([1]), torch.zeros(0).long()]
    luck = torch.get_rng_state()
    terms = two_stage_loss(net, image, boxes, labels)
    assert torch.equal(torch.get_rng_state(), luck)
    assert set(terms) == {"box_reg", "objectness", "rpn_box_reg"}
    sum(terms.values()).backward()
    assert image.grad.abs().sum() > 0
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items()), "batch norms must not drift"


def test_two_processes_train_one_network(tmp_path):
    def learn(rank):
        torch.manual_seed(0)
        net = TSJNet(width=8, levels=1, pixel_unshuffle=2)
        pairs = {"visible": torch.rand(8, 1, 56, 56), "ir": torch.rand(8, 1, 56, 56)}

        def step(batch):
            return fusion_losses(net.reconstruct(batch["visible"], batch["ir"]), batch["visible"], batch["ir"])

        log = train(step, net, Batches(pairs, 4), steps=3, device="cpu")
        torch.save({"loss": log.loss, "weights": dict(net.named_parameters())}, tmp_path / str(rank))

    assert in_two(learn) == [0, 0]
    one, two = (torch.load(tmp_path / name) for name in "01")
    assert one["loss"] == two["loss"] and len(one["loss"]) == 3
    assert all(torch.equal(value, two["weights"][name]) for name, value in one["weights"].items())
