"""Folders of fused pictures: made by one command, scored by another, stopped, gone on with, summed up."""

import math

import pandas as pd
import pytest
import torch

from mmlib import data, score
from mmlib.fuse import full_name, fuse_folder, load_tsjnet
from mmlib.fuse import main as fuse_main
from mmlib.images import read_image, write_image
from mmlib.metrics.fusion import evaluate
from mmlib.score import latex, markdown, match, summary

METRICS = ["sd", "cc", "mse"]


@pytest.fixture
def folders(tmp_path):
    """Four pairs, and their fused pictures by two methods."""
    for name in ("vi", "ir", "mean", "noise"):
        (tmp_path / name).mkdir()
    dice = torch.Generator().manual_seed(0)
    for number in range(4):
        vi, ir = torch.rand(3, 30, 40, generator=dice), torch.rand(1, 30, 40, generator=dice)
        write_image(tmp_path / "vi" / f"{number}_VIS.png", vi)
        write_image(tmp_path / "ir" / f"{number}_IR.png", ir)
        write_image(tmp_path / "mean" / f"{number}.png", (vi + ir) / 2)
        write_image(tmp_path / "noise" / f"{number}_noise.png", torch.rand(1, 30, 40, generator=dice))
    return tmp_path


@pytest.fixture
def pairs(folders):
    return data.load_pairs(rgb=folders / "vi", ir=folders / "ir")


def test_the_function_gives_what_evaluate_gives(folders, pairs):
    rows = score.score(pairs, {"mean": folders / "mean", "noise": folders / "noise"}, metrics=METRICS)
    assert list(rows.columns) == ["method", "pair", *METRICS] and len(rows) == 8
    fused = read_image(folders / "noise" / "2_noise.png", None)[None]
    expected = evaluate(fused, pairs[2]["rgb"][None], pairs[2]["ir"][None], METRICS)
    row = rows[(rows["method"] == "noise") & (rows["pair"] == "2_VIS")].iloc[0]
    assert all(row[name] == pytest.approx(float(expected[name]), rel=1e-12) for name in METRICS)


def test_a_stopped_table_goes_on_and_measures_only_what_is_missing_or_changed(folders, pairs, monkeypatch):
    table, methods = folders / "t.csv", {"mean": folders / "mean", "noise": folders / "noise"}
    whole = score.score(pairs, methods, metrics=METRICS, table=table)
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:5]) + lines[5][:20])  # killed in the middle of a row
    write_image(folders / "mean" / "0.png", read_image(folders / "noise" / "0_noise.png"))
    done = []
    measure = score._measure
    monkeypatch.setattr(score, "_measure", lambda task, works: done.extend(works) or measure(task, works))
    again = score.score(pairs, methods, metrics=METRICS, table=table)
    assert {(work.method, work.pair) for work in done} == {("mean", "0_VIS")} | {
        ("noise", f"{k}_VIS") for k in range(4)
    }
    pd.testing.assert_frame_equal(again[1:].reset_index(drop=True), whole[1:].reset_index(drop=True))
    assert len(table.read_text().splitlines()) == 9
    with pytest.raises(ValueError, match="expected rows of convention dominant with sd"):
        score.score(pairs, methods, metrics=["sd"], table=table)


def test_missing_pictures_are_named_and_left_out_only_on_request(folders, pairs):
    (folders / "mean" / "3.png").unlink()
    methods = {"mean": folders / "mean", "noise": folders / "noise"}
    with pytest.raises(ValueError, match="mean: 1 of 4 pairs have no picture in .*such as 3_VIS"):
        match(pairs, methods)
    assert [work.pair for work in match(pairs, methods, common=True)] == ["0_VIS", "1_VIS", "2_VIS"] * 2
    write_image(folders / "mean" / "3.png", torch.rand(3, 31, 40))
    with pytest.raises(ValueError, match=r"3.png: expected the 30x40 pixels of the pair 3_VIS, got 31x40"):
        score.score(pairs, methods, metrics=METRICS)


def test_an_undefined_value_is_left_out_for_all_methods_and_said(folders, pairs):
    rows = pd.DataFrame({"method": ["a"] * 3 + ["b"] * 3, "pair": ["x", "y", "z"] * 2})
    rows["cc"] = [0.5, 0.7, 0.1, math.nan, 0.2, 0.4]
    rows["mse"] = [1.0, 2.0, 3.0, 3.0, 4.0, 5.0]
    means, notes = summary(rows)
    cc, mse = (means[means["metric"] == name].set_index("method") for name in ("cc", "mse"))
    assert cc.loc["a", "mean"] == pytest.approx(0.4) and cc.loc["b", "pictures"] == 2 and cc.loc["a", "rank"] == 1
    assert mse.loc["a", "mean"] == 2 and mse.loc["b", "rank"] == 2
    assert mse.loc["a", "high"] - 2 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)  # Student, 2 degrees of freedom
    assert len(notes) == 1 and "cc: 1 of 3 pictures left out" in notes[0] and "for b: x" in notes[0]
    text = markdown(means, notes)
    assert "| a | **0.4 ± " in text and "cc ↑" in text and notes[0] in text
    assert r"\textbf{2 $\pm$" in latex(means) and latex(means).count(r"\\") == 3


def test_the_commands_fuse_and_score_in_two_processes(folders, capsys):
    sources = ["--vi", str(folders / "vi"), "--ir", str(folders / "ir")]
    assert fuse_main([*sources, "--method", "laplacian", "-o", str(folders / "out")]) == 0
    assert read_image(folders / "out" / "0_VIS.png", None).shape == (3, 30, 40)  # in colour
    words = [*sources, f"lap={folders / 'out'}", f"mean={folders / 'mean'}", "--metrics", ",".join(METRICS)]
    assert score.main([*words, "--workers", "2", "-o", str(folders / "t.csv")]) == 0
    assert "| lap |" in (folders / "t.md").read_text() and "toprule" in (folders / "t.tex").read_text()
    capsys.readouterr()
    assert score.main([*words, "nothing=", "-o", str(folders / "t.csv")]) == 2
    assert capsys.readouterr().err.startswith("mmlib.score: expected METHOD=DIR")


def test_a_folder_names_its_method_and_every_takes_a_part_of_the_pairs(folders, monkeypatch, capsys):
    monkeypatch.chdir(folders)
    sources = ["--vi", "vi", "--ir", "ir", "--metrics", "sd", "--every", "3", "--workers", "1"]
    assert score.main([*sources, "noise", "other=mean", "-o", "t.csv"]) == 0
    rows = pd.read_csv("t.csv", dtype=str)
    assert list(rows["method"]) == ["noise"] * 2 + ["other"] * 2 and list(rows["pair"]) == ["0_VIS", "3_VIS"] * 2
    capsys.readouterr()
    assert score.main([*sources, "mean", "mean=noise", "-o", "t.csv"]) == 2  # which of the two is mean?
    assert "each method once, got 'mean=noise'" in capsys.readouterr().err
    assert fuse_main(["--vi", "vi", "--ir", "ir", "--every", "0", "--method", "average", "-o", "out"]) == 2
    assert "--every: expected a whole number of 1 or more, got 0" in capsys.readouterr().err


def test_tsjnet_fuses_by_weights_of_any_of_its_sizes_and_refuses_others(folders, pairs, tmp_path):
    from safetensors.torch import save_file

    from mmlib.images import luma
    from mmlib.models.tsjnet import CorrectedMaximum, TSJNet, fuse

    torch.manual_seed(0)
    net = TSJNet(8, 1, 2).eval()
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    (path, *_) = fuse_folder(pairs[:1], tmp_path / "out", "tsjnet", weights=tmp_path / "net.safetensors", colour=False)
    expected = fuse(net, luma(pairs[0]["rgb"][None]), pairs[0]["ir"][None])
    torch.testing.assert_close(read_image(path, 1)[None], expected, atol=0.5 / 255 + 1e-6, rtol=0)
    corrected = CorrectedMaximum(net).eval()  # the variant skip
    torch.nn.init.normal_(corrected.correction[0].weight)
    save_file(corrected.state_dict(), tmp_path / "skip.safetensors")
    (path,) = fuse_folder(pairs[:1], tmp_path / "skip", "tsjnet", weights=tmp_path / "skip.safetensors", colour=False)
    expected = fuse(corrected, luma(pairs[0]["rgb"][None]), pairs[0]["ir"][None])
    torch.testing.assert_close(read_image(path, 1)[None], expected, atol=0.5 / 255 + 1e-6, rtol=0)
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="expected weights of TSJNet"):
        load_tsjnet(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="expected them with tsjnet or segmif only"):
        fuse_folder(pairs, tmp_path / "out", "average", weights=tmp_path / "net.safetensors")


def test_segmif_fuses_by_weights_of_its_variant_with_hia(pairs, tmp_path):
    from safetensors.torch import save_file

    from mmlib.backbones.mit import MiT
    from mmlib.models import segmif

    torch.manual_seed(0)
    segmenter = segmif.Segmenter(MiT("tiny"), 3, 16)
    fusion = segmif.FusionNet(segmif.hia(8), 8, 4, 2, segmenter.encoder.channels[:2])
    net = segmif.SegMiF(segmenter, fusion)
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, tmp_path / "net.safetensors")
    (path,) = fuse_folder(pairs[:1], tmp_path / "out", "segmif", weights=tmp_path / "net.safetensors")
    assert read_image(path, None).shape == (3, 30, 40)


def test_a_checkpoint_gives_its_averaged_weights(tmp_path):
    from mmlib.starts import read_weights
    from mmlib.train import train

    net = torch.nn.Linear(2, 1)

    def batches(number, part=0, parts=1):
        return {"x": torch.ones(4, 2)}

    def step(batch):
        return {"fit": (net(batch["x"]) - 1).square().mean()}

    log = train(step, net, batches, steps=3, ema=0.9, checkpoint=tmp_path, device="cpu", precision="fp32")
    state = read_weights(tmp_path)
    torch.testing.assert_close(state["weight"], log.averaged.weight)
    with pytest.raises(ValueError, match="expected weights called fusion"):
        read_weights(tmp_path, "fusion")
    with pytest.raises(FileNotFoundError, match="expected weights, there are none"):
        read_weights(tmp_path / "nowhere")


def test_a_method_may_be_named_by_its_beginning_if_only_one_fits():
    assert full_name("laplacian") == "laplacian_pyramid" and full_name("tardal") == "tardal"
    for wrong in ("dense-fuse", "", "s"):
        with pytest.raises(ValueError, match="unknown method"):
            full_name(wrong)
