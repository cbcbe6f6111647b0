"""Chapter 6's parts: sizes as counted by hand, answers that are known, and what must not change anything."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from as_program import ROOT, record_of
from torch import nn

from mmlib.augment import Augment
from mmlib.backbones.resnet import ResNet
from mmlib.models import flow2seg as f2s


def parameters(net):
    """How many numbers a network learns."""
    return sum(p.numel() for p in net.parameters())


def small(fusion=None, norm=nn.BatchNorm2d, classes=5):
    """A whole system, small."""
    torch.manual_seed(3)
    eye = f2s.PSPNet(ResNet(10, 3, (8, 8, 8, 8), 4, norm), classes, 8, 8, norm=norm)
    feel = f2s.FCN(ResNet(10, 2, (8, 8, 8, 8), 4, norm), classes, 8, norm=norm)
    return f2s.Flow2Seg(eye, feel, fusion or f2s.Residual(classes, 8, norm))


def test_the_papers_network_has_the_sheets_size():
    with torch.device("meta"):
        eye = f2s.PSPNet(ResNet(101), 19)
        feel, fusion = f2s.FCN(ResNet(18, 2), 19), f2s.Residual(19)
        whole = f2s.Flow2Seg(eye, feel, fusion)
        fcn = f2s.PSPNet(ResNet(101), 19, bins=())
    assert parameters(eye) == 67_948_390
    assert parameters(eye) - parameters(eye.auxiliary) == 65_583_699
    assert (parameters(feel), parameters(feel.backbone), parameters(feel.head)) == (11_765_907, 11_173_376, 592_531)
    assert parameters(fusion) == 60_243 and parameters(f2s.Residual(19, 38)) == 26_885
    assert parameters(whole) == 79_774_540
    assert parameters(eye) - parameters(fcn) == 4 * (2048 * 512 + 2 * 512) + 9 * 2048 * 512


def test_the_papers_shapes():
    """At a crop of 713 x 713, features of 90 x 90 and scores at the size of the picture; nothing is computed."""
    with torch.device("meta"):
        whole = f2s.Flow2Seg(f2s.PSPNet(ResNet(101), 19), f2s.FCN(ResNet(18, 2), 19), f2s.Residual(19)).eval()
        rgb, motion = torch.rand(1, 3, 713, 713), torch.rand(1, 2, 713, 713)
        stage4, stage5 = whole.image_path.backbone(rgb)
        assert stage4.shape == (1, 1024, 90, 90) and stage5.shape == (1, 2048, 90, 90)
        assert whole.image_path.pyramid(stage5).shape == (1, 4096, 90, 90)
        coarse, full = whole.scores(rgb, motion), whole(rgb, motion)
    assert list(full) == ["fused", "image", "auxiliary", "flow"]
    assert all(one.shape == (1, 19, 90, 90) for one in coarse.values())
    assert all(one.shape == (1, 19, 713, 713) for one in full.values())


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
    assert torch.equal(f2s.Sum()(image, flow), image + flow) and parameters(f2s.Sum()) == 0
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
    found = f2s.losses({"fused": even, "flow": sure}, labels)
    assert float(found["fused"]) == pytest.approx(np.log(4)) and float(found["flow"]) == pytest.approx(0, abs=1e-6)


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
        assert torch.equal(f2s.band(labels, radius), slow_band(labels, radius))
    dot = torch.zeros(1, 7, 9, dtype=torch.bool)
    dot[0, 2, 8] = True
    assert f2s.around(dot, 2).nonzero().tolist() == [[0, y, x] for y in range(5) for x in (6, 7, 8)]


def test_own_motion_is_what_the_camera_does_not_do():
    """A camera that comes 0.4 m ahead and tips by (0.5, -0.3) pixels; one thing moves by (2, 1) more."""
    height, width = 48, 64
    dice = torch.Generator().manual_seed(0)
    depth = 5 + 60 * torch.rand(1, height, width, generator=dice, dtype=torch.float64)
    depth[0, :8] = torch.inf
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (height, width)), indexing="ij")
    k = 0.4 / (depth[0] - 0.4)
    flow = torch.stack([0.5 + (x - 30) * k, -0.3 + (y - 20) * k])
    thing = torch.zeros(height, width, dtype=torch.bool)
    thing[20:30, 10:20] = True
    flow[:, thing] += torch.tensor([[2.0], [1.0]], dtype=torch.float64)
    left = f2s.own_motion(flow, depth, ~thing)
    assert float(left[:, ~thing].abs().max()) < 0.02
    assert torch.allclose(left[:, thing], torch.tensor([[2.0], [1.0]], dtype=torch.float64), atol=0.02)


def test_share_of_things_by_hand():
    instances = torch.tensor([[0, 1, 1], [2, 2, 0]])
    values = torch.tensor([[9.0, 1.0, 3.0], [5.0, 6.0, 9.0]])
    assert f2s.share_of_things(values, instances).tolist() == [[0, 2, 2], [5.5, 5.5, 0]]


def test_flownets_looks_at_both_frames_and_answers_in_pixels():
    torch.manual_seed(0)
    net = f2s.FlowNetS(4)
    rgb = torch.rand(2, 3, 32, 48)
    sizes = [tuple(flow.shape) for flow in net.pyramid(rgb, rgb)]
    assert sizes == [(2, 2, 4, 6), (2, 2, 8, 12), (2, 2, 16, 24)]
    assert net(rgb, rgb).shape == (2, 2, 32, 48)
    assert not torch.allclose(net(rgb, rgb), net(rgb, rgb.flip(-1)))


PROGRAM = """
import sys, torch
from functools import partial
from safetensors.torch import save_file
from torch import nn
sys.path.insert(0, {tests!r})
from test_flow2seg import small
from mmlib.models import flow2seg as f2s
from mmlib.train import Batches, train, world
torch.set_num_threads(1)
dice = torch.Generator().manual_seed(0)
streets = {{"rgb": torch.rand(8, 3, 32, 48, generator=dice), "motion": torch.randn(8, 2, 32, 48, generator=dice),
           "labels": torch.randint(0, 5, (8, 32, 48), generator=dice)}}
net = small(norm=partial(nn.GroupNorm, 2))
for one in net.modules():
    if isinstance(one, nn.Dropout):
        one.p = 0.0
step = lambda batch: f2s.losses(net(batch["rgb"], batch["motion"]), batch["labels"])
# Plain descent: Adam would blow rounding up where a gradient is nought.
sgd = torch.optim.SGD(net.parameters(), lr=0.1)
log = train(step, net, Batches(streets, 4), steps=4, optimizer=sgd, weights=f2s.WEIGHTS, device="cpu", precision="fp32")
if world("cpu").rank == 0:
    state = {{k: v.contiguous() for k, v in net.state_dict().items()}}
    save_file(state | {{"loss": torch.tensor(log.loss), "size": torch.tensor(world("cpu").size)}}, sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_train_what_one_trains(tmp_path):
    from safetensors.torch import load_file

    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(tests=str(Path(__file__).parent)))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    for how, name in (([], "alone"), (torchrun, "two")):
        command = [sys.executable, *how, str(program), str(tmp_path / f"{name}.safetensors")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
    alone, two = (load_file(tmp_path / f"{name}.safetensors") for name in ("alone", "two"))
    assert int(two.pop("size")) == 2 and int(alone.pop("size")) == 1
    apart = {name: float((value - two[name]).abs().max()) for name, value in alone.items()}
    assert max(apart.values()) < 1e-5, apart


@pytest.mark.slow
def test_cityscapes_in_its_own_layout_trains_in_two_processes_and_scores(tmp_path):
    """The paper's track on a tiny tree, from files to a record, by the command that the chapter gives."""
    from paper_trees import SIZE, cityscapes

    for split, city, count in (("train", "aachen", 4), ("val", "munster", 2)):
        names = [f"{city}_00000{i}_000019" for i in range(count)]
        folder = cityscapes(tmp_path, names, split) / "flow/farneback/previous"
        folder.mkdir(parents=True, exist_ok=True)
        for one in names:
            np.savez(folder / f"{one}.npz", flow=np.ones((*SIZE, 2), np.float16))
    record = record_of(tmp_path, "06", "cityscapes", processes=2, variant="flow_shuffled")
    test = record["values"]["test"]
    assert (test["split"], test["protocol"]) == ("val", "one scale") and 0 <= test["miou"] <= 1
    assert test["multiscale"]["protocol"] == "six scales and mirrored" and 0 <= test["multiscale"]["miou"] <= 1
    assert test["scales"] == [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert test["iou"].keys() == test["multiscale"]["iou"].keys()
    assert record["training"]["steps"] == 32
