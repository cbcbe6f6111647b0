"""Flow that was computed before: written whole or not at all, continued, never mixed, read back true."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from data_trees import davis, label_file
from paper_trees import cityscapes

from mmlib import data, flow
from mmlib.data import folders
from mmlib.data.flow_files import (
    check_flow,
    flow_folder,
    keep_settings,
    precompute_flow,
    read_flow_file,
    with_flow,
    write_flow,
)
from mmlib.images import write_image

SIZE = (48, 64)
SCRIPT = folders.REPOSITORY / "data_scripts" / "flow.py"


@pytest.fixture
def drive(tmp_path, monkeypatch):
    """A street whose three labelled frames have a neighbour on either side, moved by 2 pixels a frame."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    base = cityscapes(tmp_path, tuple(f"aachen_00000{i}_000019" for i in range(3)))
    wall = torch.nn.functional.interpolate(
        torch.rand(3, 3, 18, 30, generator=torch.Generator().manual_seed(0)), (72, 120), mode="bicubic"
    ).clamp(0, 1)
    for kind in ("leftImg8bit", "leftImg8bit_sequence"):
        for path in (base / kind).rglob("*.png"):
            _, sequence, frame, _ = path.name.split("_")
            left = 20 + 2 * (int(frame) - 19)
            write_image(path, wall[int(sequence), :, 10 : 10 + SIZE[0], left : left + SIZE[1]])
    for path in (base / "gtFine").rglob("*.png"):
        label_file(path, torch.full(SIZE, 7))
    return base


def load(towards="previous"):
    return data.load("cityscapes", frame=True, towards=towards)


# --- files


def test_written_flow_is_read_back_to_half_precision(tmp_path):
    wanted = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(1)) * 10
    wanted[:, 2, 3] = torch.nan
    write_flow(tmp_path / "deep/a.npz", wanted)
    got, valid = read_flow_file(tmp_path / "deep/a.npz")
    assert (got - wanted).abs().nan_to_num().max() <= 1 / 64 and got.dtype == torch.float32
    assert got[:, 2, 3].tolist() == [0, 0] and int((~valid).sum()) == 1
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.npz"], "nothing half-written stays"


def test_what_is_no_flow_is_not_written(tmp_path):
    for wrong in (torch.zeros(3, 4, 4), torch.zeros(1, 2, 4, 4), torch.zeros(2, 4, 4, dtype=torch.int64)):
        with pytest.raises(ValueError, match="expected a float flow"):
            write_flow(tmp_path / "a.npz", wrong)
    with pytest.raises(ValueError, match="longer than 65504 pixels; mark unknown ones as NaN"):
        write_flow(tmp_path / "a.npz", torch.full((2, 4, 4), 1e6))
    with pytest.raises(ValueError, match="a name in .npz"):
        write_flow(tmp_path / "a.flo", torch.zeros(2, 4, 4))
    with pytest.raises(ValueError, match="towards: expected one of previous, next, got 'back'"):
        flow_folder(tmp_path, "dis", "back")
    assert list(tmp_path.iterdir()) == []


# --- a whole set


def test_flow_leads_to_the_frame_that_was_asked_for(drive):
    assert precompute_flow(load(), "dis", "previous") == 3
    assert precompute_flow(load("next"), "dis", "next") == 3
    for towards, expected in (("previous", 2.0), ("next", -2.0)):
        sample = data.load("cityscapes", flow="dis", towards=towards)[1]
        assert sample["flow"][0, 10:-10, 10:-10].median().item() == pytest.approx(expected, abs=0.2)
        assert sample["flow"].shape == (2, *SIZE) and sample["valid"].all()
    exact = flow.estimate(sample["rgb"][None], load("next")[1]["rgb_next"][None], "dis")[0]
    assert (exact - sample["flow"]).abs().max() <= 1 / 128


def test_a_stopped_run_goes_on_where_it_stopped(drive, monkeypatch):
    calls = []

    def failing(rgb, other, method, **options):
        calls.append(method)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return torch.full((1, 2, *SIZE), float(len(calls)))

    monkeypatch.setattr(flow, "estimate", failing)
    with pytest.raises(KeyboardInterrupt):
        precompute_flow(load(), "dis", "previous")
    assert sorted(p.name for p in (drive / "flow/dis/previous").iterdir()) == [
        "aachen_000000_000019.npz",
        "settings.json",
    ]
    told = []
    assert precompute_flow(load(), "dis", "previous", tell=lambda *at: told.append(at)) == 2
    assert told == [(1, 3), (2, 3), (3, 3)] and len(calls) == 4
    assert precompute_flow(load(), "dis", "previous") == 0 and len(calls) == 4
    assert data.load("cityscapes", flow="dis")[0]["flow"].unique().tolist() == [1], "what was there stays"


def test_the_work_can_be_shared(drive):
    assert precompute_flow(load(), "farneback", "previous", part=(1, 2)) == 1
    assert precompute_flow(load(), "farneback", "previous", part=(0, 2)) == 2
    assert check_flow(load(), "farneback", "previous") == []
    with pytest.raises(ValueError, match=r"part: expected \(i, n\) with 0 <= i < n, got \(2, 2\)"):
        precompute_flow(load(), "farneback", "previous", part=(2, 2))


def test_two_ways_are_never_mixed(drive):
    precompute_flow(load(), "dis", "previous")
    with pytest.raises(ValueError, match=r"expected the settings .*'options': \{\}.*got .*ultrafast.*another --name"):
        precompute_flow(load(), "dis", "previous", preset="ultrafast")
    assert precompute_flow(load(), "dis", "previous", name="quick", preset="ultrafast") == 3
    assert data.load("cityscapes", flow="quick").variant == "cityscapes-png+flow-quick-previous"
    settings = json.loads((drive / "flow/quick/previous/settings.json").read_text())
    assert settings == {"method": "dis", "towards": "previous", "options": {"preset": "ultrafast"}}
    keep_settings(drive / "flow/quick/previous", settings)


def test_the_check_finds_what_is_wrong(drive):
    precompute_flow(load(), "dis", "previous")
    names = load().names
    base = drive / "flow/dis/previous"
    (base / f"{names[0]}.npz").write_bytes((base / f"{names[0]}.npz").read_bytes()[:100])
    write_flow(base / f"{names[1]}.npz", torch.zeros(2, 8, 8))
    (base / f"{names[2]}.npz").unlink()
    torn, small, gone = check_flow(load(), "dis", "previous")
    assert "expected a flow [H,W,2]" in torn and torn.startswith(names[0])
    assert small == f"{names[1]}: expected a flow of 48x64, got 8x8" and gone.endswith("got no file")


def test_sets_without_the_frame_are_refused(drive):
    for dataset in (data.load("cityscapes"), load("next"), data.load("ministreet", n=1)):
        with pytest.raises(ValueError, match="expected a set of files with rgb and rgb_previous"):
            precompute_flow(dataset, "dis", "previous")


def test_any_set_of_pairs_can_have_its_flow_beside_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    base = davis(tmp_path)
    pairs = data.load("davis", pairs=True)
    with pytest.raises(data.DataMissing, match=r"davis: 4 of 4 .*flow.py davis --split val --method dis --to"):
        with_flow(pairs, "dis")
    for i, name in enumerate(pairs.names):
        write_flow(base / f"flow/dis/next/{name}.npz", torch.full((2, 6, 8), float(i)))
    moving = with_flow(pairs, "dis")
    assert moving.fields == (*pairs.fields, "flow", "valid") and moving.variant == f"{pairs.variant}+flow-dis-next"
    assert moving["dog/00001"]["flow"].unique().tolist() == [3]
    assert list(moving.select("flow", "rgb")[0]) == ["name", "flow", "rgb"] and len(moving[1:]) == 3
    assert list(moving.select("rgb")[0]) == ["name", "rgb"]
    before = moving.fingerprint
    write_flow(base / "flow/dis/next/dog/00001.npz", torch.zeros(2, 6, 8))
    assert moving.fingerprint != before != pairs.fingerprint


# --- the script


def script():
    spec = importlib.util.spec_from_file_location("script_flow", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_computes_checks_and_explains(drive, capsys):
    run = script().main
    asked = ["cityscapes", "--split", "train", "--towards", "previous", "--option", "preset=ultrafast"]
    assert run(asked) == 0
    assert "3 flows written" in capsys.readouterr().out
    assert run(asked) == 0 and "0 flows written" in capsys.readouterr().out
    assert run([*asked, "--check"]) == 0 and "0 problems among 3 flows" in capsys.readouterr().out
    assert run([*asked, "--option", "preset=fast"]) == 1 and "another --name" in capsys.readouterr().err
    assert run([*asked[:-1], "speed=3", "--name", "x"]) == 1 and "speed" in capsys.readouterr().err
    assert run(["cityscapes", "--split", "val"]) == 1 and "leftImg8bit_trainvaltest.zip" in capsys.readouterr().err
    assert run(["davis"]) == 1 and "python data_scripts/obtain.py davis" in capsys.readouterr().err
    (drive / f"flow/dis/previous/{load().names[0]}.npz").unlink()
    assert run([*asked, "--check"]) == 1 and "got no file" in capsys.readouterr().out


def test_the_script_runs_on_its_own(tmp_path):
    command = [sys.executable, SCRIPT, "middlebury"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"MMLIB_DATA": str(tmp_path)},
                          cwd=Path(SCRIPT).parents[1])  # fmt: skip
    assert (
        done.returncode == 1
        and "python data_scripts/obtain.py middlebury" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_kitti_png_holds_sixty_fourths_of_a_pixel_and_says_where_it_knows(tmp_path):
    import cv2

    stored = np.zeros((3, 4, 3), np.uint16)  # blue, green, red: known, v, u
    stored[1, 1] = (1, -2 * 64 + 2**15, 3 * 64 + 2**15)
    cv2.imwrite(str(tmp_path / "kitti.png"), stored)
    flow, valid = read_flow_file(tmp_path / "kitti.png")
    assert flow[:, 1, 1].tolist() == [3, -2] and valid.sum() == 1 and not valid[0, 0] and flow[0, 0, 0] == 0
    cv2.imwrite(str(tmp_path / "kitti.png"), stored.astype(np.uint8))
    with pytest.raises(ValueError, match="three channels of 16 bits"):
        read_flow_file(tmp_path / "kitti.png")


@pytest.mark.parametrize("order, scale", [("<f4", "-1.0"), (">f4", "1.0")])
def test_pfm_starts_with_its_lowest_row(tmp_path, order, scale):
    values = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3)
    content = f"PF\n3 2\n{scale}\n".encode() + values[::-1].astype(order).tobytes()
    (tmp_path / "flow.pfm").write_bytes(content)
    flow, valid = read_flow_file(tmp_path / "flow.pfm")
    assert np.array_equal(flow.permute(1, 2, 0).numpy(), values[..., :2]) and valid.all()
    (tmp_path / "flow.pfm").write_bytes(content[:-1])
    with pytest.raises(ValueError, match="3x2 vectors announced"):
        read_flow_file(tmp_path / "flow.pfm")
