"""A paper's network trained on pairs of your own, by the commands of the page `your_own_data`."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from as_program import ROOT, record_of
from safetensors.torch import load_file, save_file

from mmlib.images import read_image, write_image
from mmlib.models.tsjnet import TSJNet

PAGE = (ROOT / "book" / "your_own_data.md").read_text(encoding="utf-8")


def make_pairs(folder: Path, count: int) -> None:
    """Pairs of two sizes, smooth shapes in both."""
    dice = torch.Generator().manual_seed(0)
    for number in range(count):
        size = (80, 112) if number % 2 else (72, 96)
        small = torch.rand(1, 4, 6, 8, generator=dice)
        picture = torch.nn.functional.interpolate(small, size, mode="bilinear")[0]
        write_image(folder / "rgb" / f"{number:02}_VIS.png", picture[:3])
        write_image(folder / "ir" / f"{number:02}_IR.png", picture[3:])


def commands_of(section: str) -> list[list[str]]:
    """The commands of the first block of a section of the page, as words."""
    text = PAGE.split(f"## {section}\n")[1]
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)[1]
    return [shlex.split(line) for line in block.replace("\\\n", " ").strip().splitlines()]


@pytest.mark.slow
def test_tsjnet_fine_tuned_on_20_own_pairs_fused_and_scored_by_the_three_commands_of_the_page(tmp_path):
    for field in ("rgb", "ir"):
        (tmp_path / "photos" / field).mkdir(parents=True)
    make_pairs(tmp_path / "photos", 20)
    torch.manual_seed(0)
    begun = TSJNet(8, 1, 2).state_dict()
    save_file(begun, tmp_path / "begun.safetensors")
    # The page's words, with a preset that takes seconds, and the places of this test.
    places = {
        "laptop": "smoke",
        "results/weights/tsjnet/tsjnet.sha256": str(tmp_path / "begun.safetensors"),
    }
    commands = commands_of("Training TSJNet on your pairs")
    assert [words[2] for words in commands] == ["mmlib.book.script", "mmlib.fuse", "mmlib.score"]
    for words in commands:
        said = []
        for word in words[1:]:
            for beginning in ("photos", "fused", "mine", "table.csv"):
                word = re.sub(rf"(^|=){beginning}", rf"\1{tmp_path}/{beginning}", word)
            said.append(places.get(word, word))
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *said], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr[-2000:]
    (weights,) = (tmp_path / "mine" / "weights" / "tsjnet").glob("own-*.safetensors")
    tuned = load_file(weights)
    name = "decoder.head.0.weight"
    moved = (tuned[name].float() - begun[name]).abs().mean() / begun[name].abs().mean()
    assert 0 < moved < 0.5, "it went on from the weights that it was given"
    assert len(list((tmp_path / "fused" / "tsjnet").glob("*.png"))) == 20
    assert read_image(tmp_path / "fused" / "tsjnet" / "00_VIS.png", None).shape == (3, 72, 96)
    table = (tmp_path / "table.md").read_text()
    assert "| tsjnet |" in table
    assert table.count("left out") == 1 and "ms_ssim: 20 of 20" in table, "these pictures are too small for it"


@pytest.mark.slow
def test_own_pairs_with_boxes_replace_the_streets_and_a_tenth_is_held_back(tmp_path):
    pairs = tmp_path / "photos"
    for field in ("rgb", "ir", "boxes"):
        (pairs / field).mkdir(parents=True)
    make_pairs(pairs, 10)
    (pairs / "box_classes.txt").write_text("deer\nfox\n")
    for number in range(10):
        (pairs / "boxes" / f"{number:02}.txt").write_text(f"{number % 2} 0.5 0.5 0.4 0.5\n")
    record = record_of(tmp_path, "08", str(pairs))
    test = record["values"]["test"]
    assert record["data"] == "own-png" and test["split"] == "test 1" and set(test["ap50"]) <= {"deer", "fox"}
    terms = record["values"]["learning"]["tuning"]
    assert any("detector" in term for term in terms) and not any("segmenter" in term for term in terms)
