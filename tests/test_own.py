"""A reader's own pairs: names that nearly agree, raw thermal counts, sizes that differ, crops for training."""

import unicodedata
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from mmlib import data
from mmlib.data.own import pair_key, read_thermal
from mmlib.images import write_image, write_labels
from mmlib.train import Batches, train


@pytest.fixture
def photos(tmp_path):
    """Three pairs of two sizes, whose names agree only to the eye."""
    for field in ("colour", "thermal", "labels"):
        (tmp_path / field).mkdir()
    names = ("0001", "B2", "grün")
    for number, name in enumerate(names):
        size = (24, 32) if number else (20, 40)
        dice = torch.Generator().manual_seed(number)
        write_image(tmp_path / "colour" / f"{name}_VIS.png", torch.rand(3, *size, generator=dice))
        other = unicodedata.normalize("NFD", name.lower())
        write_image(tmp_path / "thermal" / f"{other}_ir.jpg", torch.rand(1, *size, generator=dice))
        write_labels(tmp_path / "labels" / f"{name}.png", torch.randint(0, 3, size, generator=dice))
    return tmp_path


def test_files_belong_together_whatever_the_case_the_suffix_the_last_word_and_the_unicode_form(photos):
    pairs = data.load_pairs(rgb=photos / "colour", ir=photos / "thermal", labels=photos / "labels", classes="abc")
    assert pairs.names == ("0001_VIS", "B2_VIS", "grün_VIS") and pairs.variant == "own-png"
    assert pairs.fields == ("rgb", "ir", "labels") and pairs[2]["rgb"].shape == (3, 24, 32)
    assert data.own_folder(photos).names == pairs.names
    with pytest.raises(ValueError, match="ids 0..1"):
        data.load_pairs(photos / "colour", photos / "thermal", photos / "labels", classes="ab")[0]


def test_a_pattern_decides_where_names_do_not(photos):
    (photos / "thermal" / "b2_ir.jpg").rename(photos / "thermal" / "shot 2 of 3.jpg")
    with pytest.raises(ValueError, match=r"1 of 3 files in .*colour have no partner in .*thermal, such as B2_VIS.png"):
        data.own_folder(photos)
    assert pair_key("take7_shot12", r"shot(\d+)") == "12"
    with pytest.raises(ValueError, match="expected one group"):
        pair_key("take7", r"shot(\d+)")


def test_two_files_of_one_pair_and_absent_folders_are_errors(photos):
    with pytest.raises(data.DataMissing, match="expected a folder"):
        data.load_pairs(photos / "colour", photos / "nowhere")
    with pytest.raises(data.DataMissing, match="one of rgb/, vi/"):
        data.own_folder(photos / "colour")
    write_image(photos / "colour" / "0001.png", torch.rand(3, 8, 8))
    with pytest.raises(ValueError, match="0001.png and 0001_VIS.png both belong"):
        data.own_folder(photos)


def test_raw_counts_are_spread_by_a_range_or_by_percentiles_and_warned_of_without(tmp_path):
    counts = np.linspace(7001, 7988, 48 * 64).round().reshape(48, 64).astype(np.uint16)
    path = tmp_path / "counts.png"
    Image.fromarray(counts).save(path)
    with pytest.warns(UserWarning, match="between 7001 and 7988"):
        faint = read_thermal(path)
    assert faint.max() < 0.13
    spread = read_thermal(path, limits=(7000, 8000))
    torch.testing.assert_close(spread[0], torch.from_numpy((counts - 7000) / 1000).float())
    cut = read_thermal(path, percentiles=(25, 75))
    assert float((cut == 0).float().mean()) == pytest.approx(0.25, abs=0.01) and cut.max() == 1
    Image.fromarray(np.full((4, 4), 21.5, np.float32)).save(tmp_path / "degrees.tiff")
    assert float(read_thermal(tmp_path / "degrees.tiff", limits=(20, 30))[0, 0, 0]) == pytest.approx(0.15)
    with pytest.raises(ValueError, match="two numbers that rise"):
        read_thermal(path, limits=(8000, 7000))
    Image.fromarray(np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)).save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_thermal(path)


@pytest.mark.parametrize("like, size", [("rgb", (20, 40)), ("ir", (10, 20))])
def test_two_sizes_are_refused_unless_resampling_is_asked_for(tmp_path, like, size):
    for field in ("rgb", "ir", "labels", "boxes"):
        (tmp_path / field).mkdir()
    write_image(tmp_path / "rgb" / "a.png", torch.rand(3, 20, 40))
    write_image(tmp_path / "ir" / "a.png", torch.rand(1, 10, 20))
    write_labels(tmp_path / "labels" / "a.png", torch.ones(20, 40, dtype=torch.int64))
    (tmp_path / "boxes" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    folders = {field: tmp_path / field for field in ("rgb", "ir", "labels", "boxes")}
    with pytest.raises(ValueError, match="not aligned"):
        data.load_pairs(**folders, box_classes=("car",))[0]
    sample = data.load_pairs(**folders, box_classes=("car",), resample=like)[0]
    assert {tuple(sample[field].shape[-2:]) for field in ("rgb", "ir", "labels")} == {size}
    height, width = size
    assert sample["boxes"].tolist() == [[width / 4, height / 4, 3 * width / 4, 3 * height / 4]]
    alone = data.load_pairs(**folders, box_classes=("car",), resample=like).select("boxes")[0]
    torch.testing.assert_close(alone["boxes"], sample["boxes"])


def test_crops_of_mixed_sizes_train_and_a_resumed_run_sees_the_same(photos):
    crops = data.Crops(data.own_folder(photos), (22, 30), per_pair=4, seed=1)
    assert len(crops) == 12 and all(sample["rgb"].shape == (3, 22, 30) for sample in crops)
    torch.testing.assert_close(crops[5]["ir"], crops[5]["ir"])
    assert not torch.equal(crops[0]["rgb"], crops[3]["rgb"])  # the same pair elsewhere
    net = torch.nn.Conv2d(1, 3, 1)

    def step(batch):
        return {"fit": (net(batch["ir"]) - batch["rgb"]).square().mean()}

    log = train(step, net, Batches(crops, 4), steps=3, device="cpu", precision="fp32")
    assert len(log.loss) == 3
