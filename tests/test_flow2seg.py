"""Chapter 6's parts: sizes as counted by hand, answers that are known, and what must not change anything."""

from pathlib import Path

import numpy as np
import pytest
import torch
from as_program import record_of
from forks import in_two
from torch import nn

from mmlib.augment import Augment
from mmlib.backbones.encoder import ResNetEncoder
from mmlib.backbones.mobilenet import MEAN, MIDDLE, STD, MobileNetV2
from mmlib.backbones.pyramid import PyramidPooling
from mmlib.backbones.resnet import ResNet
from mmlib.book.figures import count
from mmlib.book.figures06 import full_size
from mmlib.flow.flownet import FlowNetS
from mmlib.metrics import regions
from mmlib.models import flow2seg as f2s
from mmlib.results import shared_stage
from mmlib.train import Batches, train, world


def small(fusion=None, norm=nn.BatchNorm2d, classes=5):
    """A whole system, small."""
    torch.manual_seed(3)
    encoder = ResNetEncoder(ResNet(10, 3, (8, 8, 8, 8), 8, norm))
    picture = f2s.PSPNet(encoder, f2s.CoarseHead(PyramidPooling(8), classes, 8), f2s.score_head(8, 8, classes))
    flow_path = f2s.FlowPath(ResNet(10, 2, (8, 8, 8, 8), 8, norm), f2s.CoarseHead(f2s.NoContext(8), classes, 8))
    return f2s.Flow2Seg(picture, flow_path, fusion or f2s.Residual(classes, 8))


def test_the_papers_network_has_the_sheets_size():
    whole = full_size()
    assert count(whole.picture) == 67_948_390
    assert count(whole.picture) - count(whole.picture.auxiliary) == 65_583_699
    path = whole.flow_path
    assert (count(path), count(path.encoder), count(path.head)) == (11_765_907, 11_173_376, 592_531)
    assert count(whole.fusion) == 60_243 and count(f2s.Residual(19, 38)) == 26_885
    assert count(whole) == 79_774_540


def test_the_papers_shapes():
    """At a crop of 713 x 713: features of 90 x 90 and scores on their grid."""
    whole = full_size().eval()
    with torch.device("meta"):
        rgb, motion = torch.rand(1, 3, 713, 713), torch.rand(1, 2, 713, 713)
        stages = whole.picture.encoder(rgb)
        scores = whole(rgb, motion)
    assert [tuple(one.shape[1:]) for one in stages[2:]] == [(1024, 90, 90), (2048, 90, 90)]
    assert whole.picture.encoder.channels == (256, 512, 1024, 2048)
    assert list(scores) == ["fused", "image", "auxiliary", "flow"]
    assert all(one.shape == (1, 19, 90, 90) for one in scores.values())


def test_at_our_size_all_scores_lie_on_a_quarter_of_the_picture_and_the_block_is_thin():
    encoder = f2s.MobileNetEncoder(MobileNetV2(16, MIDDLE))
    head = f2s.FineHead(PyramidPooling(96), encoder.channels, 11)
    picture = f2s.PSPNet(encoder, head, f2s.score_head(64, 64, 11))
    shallow = f2s.ShallowEncoder(16)
    path = f2s.FlowPath(shallow, f2s.FineHead(f2s.NoContext(64), shallow.channels, 11, middle=64))
    net = f2s.Flow2Seg(picture, path, f2s.Residual(11, 16)).eval()
    scores = net(torch.rand(1, 3, 64, 96), torch.rand(1, 2, 64, 96))
    assert {name: tuple(one.shape[2:]) for name, one in scores.items()} == {
        "fused": (16, 24),
        "image": (16, 24),
        "auxiliary": (4, 6),
        "flow": (16, 24),
    }
    assert count(net.fusion) < 0.01 * count(net.picture)
    assert 0.1 * count(net.picture) < count(net.flow_path) < 0.25 * count(net.picture)


def test_the_frozen_stage_stays_as_it_is():
    encoder = f2s.MobileNetEncoder(MobileNetV2(16, MIDDLE)).train()
    before = {name: value.clone() for name, value in encoder.stage2.state_dict().items()}
    encoder(torch.rand(2, 3, 32, 48))[3].sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in encoder.stage2.state_dict().items())
    assert all(weights.grad is None for weights in encoder.stage2.parameters())
    assert encoder.stage5[0].conv[0][0].weight.grad is not None and encoder.stage5.training


@pytest.mark.parametrize(
    "make", [lambda: f2s.MobileNetEncoder(MobileNetV2(16, MIDDLE)), lambda: small().picture.encoder]
)
def test_colours_are_normalised_as_imagenets_were(make):
    """A picture of ImageNet's mean colour is zero inside, so that scaling its contrast changes nothing."""
    encoder = make().eval()
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    assert torch.allclose(encoder.std.flatten(), torch.tensor(STD))
    grey = mean.expand(1, 3, 32, 48)
    seen = []
    first = encoder.stage2 if hasattr(encoder, "stage2") else encoder.backbone.conv1
    first.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    encoder(grey)
    assert float(seen[0].abs().max()) < 1e-6


def test_the_residual_starts_as_the_image_path_and_then_learns():
    net = small()
    rgb, motion = torch.rand(2, 3, 32, 48), torch.randn(2, 2, 32, 48)
    labels = torch.randint(0, 5, (2, 32, 48))
    out = net.eval()(rgb, motion)
    assert torch.equal(out["fused"], out["image"]) and not torch.equal(out["flow"], out["image"])
    optimizer = torch.optim.SGD(net.fusion.parameters(), lr=0.5)
    moved = []
    for _ in range(2):
        optimizer.zero_grad()
        f2s.losses(net(rgb, motion), labels)["fused"].backward()
        moved.append([float(p.grad.abs().max()) for p in net.fusion.parameters()])
        optimizer.step()
    assert moved[0][-1] > 0 and max(moved[0][:-2]) == 0, "at first only the last layer has a gradient"
    assert min(max(moved[1][i : i + 3]) for i in (0, 3)) > 0, "then the layers before it, too"


def test_the_rivals_do_what_they_say():
    image, flow = torch.randn(2, 5, 4, 6), torch.randn(2, 5, 4, 6)
    assert torch.equal(f2s.Sum()(image, flow), image + flow) and count(f2s.Sum()) == 0
    joined, residual = f2s.Concatenation(5, 8).eval(), f2s.Residual(5, 8).eval()
    residual.load_state_dict(joined.state_dict())
    assert torch.allclose(residual(image, flow) - image, joined(image, flow), atol=1e-6)


def test_encoding_and_losses_by_hand():
    flow = torch.tensor([-500.0, -20.0, 0.0, 5.0, 300.0]).view(1, 1, 1, 5).expand(1, 2, 1, 5)
    assert f2s.encode(flow)[0, 1, 0].tolist() == [-10.0, -1.0, 0.0, 0.25, 10.0]
    assert f2s.encode(flow, 1.25, 4.0)[0, 0, 0].tolist() == [-4.0, -4.0, 0.0, 4.0, 4.0]
    even = torch.zeros(1, 4, 2, 3)
    labels = torch.tensor([[[0, 1, 255], [2, 3, 255]]])
    sure = nn.functional.one_hot(labels.clamp(max=3), 4).permute(0, 3, 1, 2) * 100.0
    found = f2s.losses({"fused": even, "flow": even, "auxiliary": even, "image": sure}, labels, alpha=0.5, beta=0.4)
    want = {"fused": np.log(4), "flow": 0.5 * np.log(4), "auxiliary": 0.4 * np.log(4), "image": 0.0}
    assert {name: float(term) for name, term in found.items()} == pytest.approx(want, abs=1e-5)


def test_the_helpers_are_compared_on_their_own_grid_by_the_label_in_its_middle():
    labels = torch.arange(16).view(1, 4, 4).expand(1, 4, 4)
    sure = nn.functional.one_hot(labels[:, 1::2, 1::2], 16).permute(0, 3, 1, 2) * 100.0
    assert float(f2s.losses({"flow": sure}, labels)["flow"]) == pytest.approx(0.0, abs=1e-5)
    assert float(f2s.losses({"fused": sure}, labels)["fused"]) > 1


def test_an_error_of_flow_is_smooth_and_of_the_size_that_was_asked_for():
    dice = torch.Generator().manual_seed(0)
    error = f2s.flow_error(torch.Size((64, 2, 64, 96)), torch.tensor([0.0, 3.0]).repeat(32), dice)
    assert float(error[0::2].abs().max()) == 0.0
    assert float(error[1::2, :, 8::16, 8::16].std()) == pytest.approx(3.0, rel=0.1)
    step = (error[1::2, ..., 1:] - error[1::2, ..., :-1]).abs().max()
    assert 0 < float(step) < 1.5, "neighbouring pixels differ by little"


def test_augmented_flow_stays_true():
    torch.manual_seed(0)
    shift = torch.tensor([3.0, -1.0]).view(1, 2, 1, 1).expand(24, 2, 24, 32)
    streets = {"rgb": torch.rand(24, 3, 24, 32), "flow": shift, "labels": torch.randint(0, 4, (24, 24, 32))}
    made = Augment(flip=0.5, scale=(0.5, 2.0))(streets)
    for flow, labels in zip(made["flow"], made["labels"]):
        u, v = (channel[labels != 255] for channel in flow)
        assert torch.allclose(u.abs(), 3 * -v, atol=1e-4), "u and v grow alike"
        assert torch.allclose(u, u[:1], atol=1e-4) and float(v.max()) < 0, "v keeps its sign, u may not"
    assert {bool(flow[0].sum() > 0) for flow in made["flow"]} == {True, False}


def slow_band(labels, radius):
    """Look at every neighbour of every pixel."""
    out = torch.zeros_like(labels, dtype=torch.bool)
    count, height, width = labels.shape
    for b in range(count):
        for y in range(height):
            for x in range(width):
                rows, columns = slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1)
                out[b, y, x] = (labels[b, rows, columns] != labels[b, y, x]).any()
    return out


def test_boundaries_and_surroundings_against_a_slow_reference():
    labels = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(2)).repeat_interleave(3, 1)
    labels = labels.repeat_interleave(3, 2)
    for radius in (1, 2):
        assert torch.equal(regions.band(labels, radius), slow_band(labels, radius))
    dot = torch.zeros(1, 7, 9, dtype=torch.bool)
    dot[0, 2, 8] = True
    assert regions.around(dot, 2).nonzero().tolist() == [[0, y, x] for y in range(5) for x in (6, 7, 8)]


def drive_ahead(height=48, width=64):
    """A camera comes 0.4 m ahead and tips by (0.5, -0.3) pixels; of two things the left moves by (2, 1) more."""
    dice = torch.Generator().manual_seed(0)
    depth = 5 + 60 * torch.rand(1, height, width, generator=dice, dtype=torch.float64)
    depth[0, :8] = torch.inf
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (height, width)), indexing="ij")
    k = 0.4 / (depth[0] - 0.4)
    flow = torch.stack([0.5 + (x - 30) * k, -0.3 + (y - 20) * k])
    instances = torch.zeros(height, width, dtype=torch.int64)
    instances[20:30, 10:20] = 1
    instances[24:44, 40:60] = 2
    flow[:, instances == 1] += torch.tensor([[2.0], [1.0]], dtype=torch.float64)
    return flow, depth, instances


def test_own_motion_is_what_the_camera_does_not_do():
    flow, depth, instances = drive_ahead()
    left = regions.own_motion(flow, depth, instances == 0)
    assert float(left[:, instances != 1].abs().max()) < 0.02
    assert torch.allclose(left[:, instances == 1], torch.tensor([[2.0], [1.0]], dtype=torch.float64), atol=0.02)


def test_regions_take_in_what_is_around_and_leave_other_things_out():
    flow, depth, instances = drive_ahead()
    labels = torch.where(instances > 0, 7, 0)
    streets = {"labels": labels, "instances": instances, "flow": flow, "depth": depth}
    found = regions.regions({name: value[None] for name, value in streets.items()}, [7], small=200, moves=1.0, edge=2)
    found = {name: mask[0] for name, mask in found.items()}
    for name, thing, other in (("moving", 1, 2), ("still", 2, 1), ("small", 1, 2), ("large", 2, 1)):
        assert found[name][instances == thing].all() and not found[name][instances == other].any()
    assert found["moving"].nonzero().amin(dim=0).tolist() == [16, 6], "four pixels around it"
    assert (
        torch.equal(found["boundary"], ~found["interior"])
        and found["boundary"][18, 10]
        and not found["boundary"][17, 10]
    )


def test_mean_over_things_by_hand():
    instances = torch.tensor([[0, 1, 1], [2, 2, 0]])
    values = torch.tensor([[9.0, 1.0, 3.0], [5.0, 6.0, 9.0]])
    assert regions.mean_over_things(values, instances).tolist() == [[0, 2, 2], [5.5, 5.5, 0]]


def test_flownets_looks_at_both_frames_and_answers_in_pixels():
    torch.manual_seed(0)
    net = FlowNetS(4)
    rgb = torch.rand(2, 3, 32, 48)
    sizes = [tuple(flow.shape) for flow in net.guesses(rgb, rgb)]
    assert sizes == [(2, 2, 4, 6), (2, 2, 8, 12), (2, 2, 16, 24)]
    assert net(rgb, rgb).shape == (2, 2, 32, 48)
    assert not torch.allclose(net(rgb, rgb), net(rgb, rgb.flip(-1)))


def test_runs_of_a_night_share_a_stage_only_if_it_is_the_same(monkeypatch, tmp_path):
    monkeypatch.delenv("MMLIB_CHECKPOINT", raising=False)
    notebook = "nbs/06_flow2seg.ipynb"
    with shared_stage(notebook, seed=0) as folder:
        assert folder is None, "a reader's run keeps nothing"
    found = {}
    for run, seed in (("a", 0), ("b", 0), ("a", 1)):
        monkeypatch.setenv("MMLIB_CHECKPOINT", str(tmp_path / "flow2seg" / f"{run}-{seed}"))
        with shared_stage(notebook, seed=seed) as folder:
            found[run, seed] = folder
    assert found["a", 0] == found["b", 0] != found["a", 1]
    assert Path(found["a", 0]).parent == tmp_path / "flow2seg"
    with shared_stage("nbs/05_training.ipynb", seed=1) as folder:
        assert folder != found["a", 1], "other code, other folder"


def test_two_processes_train_what_one_trains(tmp_path):
    def learn(file):
        dice = torch.Generator().manual_seed(0)
        streets = {
            "rgb": torch.rand(8, 3, 32, 48, generator=dice).double(),
            "motion": torch.randn(8, 2, 32, 48, generator=dice).double(),
            "labels": torch.randint(0, 5, (8, 32, 48), generator=dice),
        }
        net = small()
        for parent in list(net.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(parent, name, nn.GroupNorm(2, child.num_features))
        for one in net.modules():
            if isinstance(one, nn.Dropout):
                one.p = 0.0
        # In float32 the two ways of adding a batch up differ enough for a norm over few values to blow them up.
        net.double()

        def step(batch):
            return f2s.losses(net(batch["rgb"], batch["motion"]), batch["labels"])

        # Plain descent: Adam would blow rounding up where a gradient is nought.
        sgd = torch.optim.SGD(net.parameters(), lr=0.1)
        log = train(step, net, Batches(streets, 4), steps=4, optimizer=sgd, device="cpu", precision="fp32")
        torch.save({"loss": torch.tensor(log.loss), "size": world("cpu").size, **net.state_dict()}, file)

    learn(tmp_path / "alone")
    assert in_two(lambda rank: learn(tmp_path / str(rank))) == [0, 0]
    alone, two = (torch.load(tmp_path / name) for name in ("alone", "0"))
    assert two.pop("size") == 2 and alone.pop("size") == 1
    apart = {name: float((value - two[name]).abs().max()) for name, value in alone.items()}
    worst = max(apart, key=apart.get)
    assert apart[worst] < 1e-5, (worst, apart[worst])


@pytest.mark.slow
def test_cityscapes_in_its_own_layout_trains_in_two_processes_and_scores(tmp_path):
    """The paper's track on a tiny tree, from files to a record, by the command that the chapter gives."""
    from paper_trees import SIZE, cityscapes

    for split, city, frames in (("train", "aachen", 4), ("val", "munster", 2)):
        names = [f"{city}_00000{i}_000019" for i in range(frames)]
        folder = cityscapes(tmp_path, names, split) / "flow/farneback/previous"
        folder.mkdir(parents=True, exist_ok=True)
        for one in names:
            np.savez(folder / f"{one}.npz", flow=np.ones((*SIZE, 2), np.float16))
    record = record_of(tmp_path, "06", "cityscapes", processes=2, variant="flow_shuffled")
    test = record["values"]["test"]
    assert (test["split"], test["protocol"]) == ("val", "one scale") and 0 <= test["miou"] <= 1
    assert test["multiscale"]["protocol"] == "six scales and mirrored" and 0 <= test["multiscale"]["miou"] <= 1
    assert test["scales"] == [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert record["training"]["steps"] == 16 + 8
