"""SegMiF's fusion, taught by a frozen segmenter: two processes under torchrun make the steps that one makes."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

PROGRAM = '''
import sys
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from mmlib.images import luma
from mmlib.losses.fusion import later_rounds
from mmlib.backbones.mit import MiT
from mmlib.models.segmif import FusionNet, Segmenter, add_chroma, fuse, hia
from mmlib.fusion.rules import by_saliency
from mmlib.train import Batches, train, world


def taught(steps=2):
    """A fusion net after a few steps of a later round."""
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
    return log, fusion


if __name__ == "__main__":
    log, fusion = taught()
    if world("cpu").rank == 0:
        state = {name: value.contiguous() for name, value in fusion.state_dict().items()}
        save_file(state | {"loss": torch.tensor(log.loss), "size": torch.tensor(world("cpu").size)}, sys.argv[1])
'''


def test_two_processes_teach_the_fusion_like_one(tmp_path, root):
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    how = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "program.py", "two.safetensors"]
    done = subprocess.run([sys.executable, *how], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    shared = load_file(Path(tmp_path) / "two.safetensors")
    spaces = {"__name__": "alone"}
    exec(compile(PROGRAM, "program.py", "exec"), spaces)  # the same program in this process, alone
    log, fusion = spaces["taught"]()
    assert shared.pop("size") == 2
    assert torch.allclose(shared.pop("loss"), torch.tensor(log.loss), rtol=1e-4)
    for name, value in fusion.state_dict().items():
        assert torch.allclose(shared[name], value, atol=2e-4), name
