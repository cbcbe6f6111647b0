"""SegMiF's fusion, taught by a frozen segmenter: two processes make the steps that one makes."""

import torch
import torch.nn.functional as F
from forks import in_two

from mmlib.backbones.mit import MiT
from mmlib.fusion.rules import by_saliency
from mmlib.images import luma
from mmlib.losses.fusion import later_rounds
from mmlib.models.segmif import FusionNet, Segmenter, add_chroma, fuse, hia
from mmlib.train import Batches, train, world


def taught(steps=2):
    """A fusion net after a few steps of a later round, and the losses of these."""
    torch.manual_seed(0)
    guide, fusion = MiT("tiny").eval(), FusionNet(hia(8), 8, 4, 2, seg_channels=(16, 32))
    segmenter = Segmenter(MiT("tiny"), 11, 16).eval().requires_grad_(False)
    rgb, ir = torch.rand(8, 3, 32, 32), torch.rand(8, 1, 32, 32)
    streets = {"rgb": rgb, "ir": ir, "target": by_saliency(luma(rgb), ir), "labels": torch.randint(11, (8, 32, 32))}

    def step(batch):
        fused = fuse(fusion, guide, batch["rgb"], batch["ir"], batch["target"])
        named = F.cross_entropy(segmenter(add_chroma(fused, batch["rgb"])), batch["labels"])
        return later_rounds(fused, batch["target"]) | {"cross-entropy": named}

    log = train(step, fusion, Batches(streets, 4), steps=steps, device="cpu", precision="fp32")
    return log.loss, fusion


def test_two_processes_teach_the_fusion_like_one(tmp_path):
    def learn(rank):
        loss, fusion = taught()
        torch.save({"loss": loss, "size": world("cpu").size, "weights": fusion.state_dict()}, tmp_path / str(rank))

    assert in_two(learn) == [0, 0]
    shared = torch.load(tmp_path / "0")
    loss, fusion = taught()
    assert shared["size"] == 2
    assert torch.allclose(torch.tensor(shared["loss"]), torch.tensor(loss), rtol=1e-4)
    for name, value in fusion.state_dict().items():
        assert torch.allclose(shared["weights"][name], value, atol=2e-4), name
