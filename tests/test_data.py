"""mmlib.data: where the data are, pairing, manifests and fingerprints, on made-up trees."""

import pickle
from dataclasses import FrozenInstanceError

import pytest
import torch
from data_trees import label_file, picture, roadscene, sign, text_file
from PIL import Image

from mmlib import data
from mmlib.data import dataset, folders, pairs
from mmlib.files import ROOT
from mmlib.images import write_image

# --- where the data are


def test_a_wrong_data_root_is_an_error_and_not_no_data(monkeypatch, tmp_path):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "typo"))
    for call in (data.data_root, lambda: data.available("tno"), lambda: data.load("tno")):
        with pytest.raises(data.DataMissing, match=r"MMLIB_DATA=.*typo does not exist; set MMLIB_DATA"):
            call()
    monkeypatch.setenv("MMLIB_DATA", str(text_file(tmp_path / "file", "")))
    with pytest.raises(data.DataMissing, match="is a file"):
        data.data_root()
    assert data.available("ministreet")


def test_no_data_root_at_all(monkeypatch, tmp_path):
    monkeypatch.delenv("MMLIB_DATA", raising=False)
    monkeypatch.setattr(folders, "REPOSITORY", tmp_path)
    assert not data.available("msrs")
    with pytest.raises(data.DataMissing, match="MMLIB_DATA is not set.*python data_scripts/obtain.py roadscene"):
        data.load("msrs")
    (tmp_path / "data").mkdir()
    assert data.data_root() == tmp_path / "data"


@pytest.mark.parametrize("name", [n for n in data.NAMES if n != "ministreet"])
def test_missing_and_empty_sets_name_the_next_command(tree, name):
    folder = tree / folders.FOLDERS[name]
    script = f"python data_scripts/obtain.py {name.removesuffix('_video')}"
    assert not data.available(name)
    with pytest.raises(data.DataMissing, match=f"does not exist; obtain it with: {script}"):
        data.load(name)
    folder.mkdir()
    assert not data.available(name)
    with pytest.raises(data.DataMissing, match=f"is empty; obtain it with: {script}"):
        data.load(name)
    text_file(folder / "README.md", "something else")
    with pytest.raises(data.DataMissing, match=script):
        data.load(name)


def test_unknown_names_and_options(tree):
    for call in (data.load, data.available):
        with pytest.raises(ValueError, match="unknown data set 'kitti'; expected one of ministreet, roadscene"):
            call("kitti")
    roadscene(tree)
    with pytest.raises(TypeError, match="split"):
        data.load("roadscene", split="train")
    assert issubclass(data.DataMissing, FileNotFoundError)


# --- pairs


def test_a_set_is_read_by_index_name_slice_and_iteration(tree):
    roadscene(tree)
    ds = data.load("roadscene")
    assert len(ds) == 3 and ds.names == ("a", "b", "c") and ds.variant == "roadscene-3of221-jpg"
    assert repr(ds) == "<roadscene-3of221-jpg: 3 samples of rgb, ir>"
    sample = ds[1]
    assert list(sample) == ["name", "rgb", "ir"] and sample["name"] == "b"
    assert sample["rgb"].shape == (3, 6, 8) and sample["ir"].shape == (1, 6, 8)
    assert sample["rgb"].dtype == torch.float32 and sample["rgb"].mean().item() == pytest.approx(0.25, abs=0.01)
    assert ds["c"]["name"] == ds[-1]["name"] == ds[2:][0]["name"] == ds.subset(["c"])[0]["name"] == "c"
    assert [s["name"] for s in ds] == ["a", "b", "c"]
    assert list(ds.select("ir")[0]) == ["name", "ir"]
    assert torch.equal(pickle.loads(pickle.dumps(ds))[0]["rgb"], ds[0]["rgb"]), "workers of a DataLoader need this"
    with pytest.raises(IndexError):
        ds[3]
    with pytest.raises(KeyError, match="no sample 'z' among 3; names look like a, b, c"):
        ds["z"]
    with pytest.raises(ValueError, match="no field depth; expected some of rgb, ir"):
        ds.select("depth")
    with pytest.raises(FrozenInstanceError):
        ds.name = "other"


def test_loading_decodes_nothing_and_select_decodes_only_what_is_asked(tree):
    roadscene(tree)
    for path in (tree / "roadscene/ir").iterdir():
        path.write_bytes(b"not an image")
    ds = data.load("roadscene")
    assert ds.select("rgb")[0]["rgb"].shape == (3, 6, 8)
    with pytest.raises(ValueError, match=r"ir/a.jpg: expected an image file"):
        ds[0]


def test_published_layouts_are_read_as_they_are(tree):
    roadscene(tree, vi="crop_LR_visible", ir="cropinfrared")
    assert len(data.load("roadscene")) == 3
    for name in ("1", "2"):
        for kind in ("vi", "ir"):
            picture(tree / f"tno/Image/Source-Image/TNO/{kind}/{name}.png", channels=1)
    tno = data.load("tno")
    assert tno.variant.startswith("tno-") and tno.variant.endswith("of42-png") and tno[0]["rgb"].shape == (3, 6, 8)


def test_a_missing_partner_is_named(tree):
    roadscene(tree)
    (tree / "roadscene/ir/b.jpg").unlink()
    with pytest.raises(
        ValueError, match=r"1 of 3 samples have no file in .*ir \(b\).*data_scripts/obtain.py roadscene"
    ):
        data.load("roadscene")


def test_two_files_for_one_sample(tree):
    roadscene(tree)
    picture(tree / "roadscene/vi/a.png")
    with pytest.raises(ValueError, match="both a.jpg and a.png"):
        data.load("roadscene")


def test_a_pair_of_two_sizes_is_not_aligned(tree):
    roadscene(tree)
    picture(tree / "roadscene/ir/b.jpg", height=5, channels=1)
    with pytest.raises(ValueError, match="roadscene/b: expected one height x width, got rgb 6x8, ir 5x8"):
        data.load("roadscene")["b"]


def test_colour_where_infrared_should_be(tree):
    roadscene(tree)
    colour = torch.tensor([0.1, 0.5, 0.9])[:, None, None].expand(3, 6, 8)
    write_image(tree / "roadscene/ir/b.jpg", colour)
    write_image(tree / "roadscene/ir/c.jpg", torch.full((3, 6, 8), 0.5))
    ds = data.load("roadscene")
    assert ds["c"]["ir"].shape == (1, 6, 8), "three equal channels are grey"
    with pytest.raises(ValueError, match="ir/b.jpg: expected a grey infrared image, got colour; .* swapped"):
        ds["b"]


def test_truncated_and_wrong_channel_files(tree):
    roadscene(tree, suffix="png")
    path = tree / "roadscene/vi/a.png"
    write_image(path, torch.rand(3, 6, 8))
    path.write_bytes(path.read_bytes()[:90])
    ds = data.load("roadscene")
    with pytest.raises(ValueError, match="vi/a.png: truncated or damaged"):
        ds["a"]
    Image.new("CMYK", (8, 6)).save(tree / "roadscene/vi/b.png", format="JPEG")
    with pytest.raises(ValueError, match="vi/b.png: expected 8-bit RGB.*CMYK"):
        ds["b"]


def test_vifb_outputs_by_method(tree):
    for pair in ("car", "man"):
        picture(tree / f"vifb/vi/{pair}.jpg")
        picture(tree / f"vifb/ir/{pair}.jpg")
        for method in ("GFF", "MST_SR"):
            picture(tree / f"vifb/fused/{pair}_{method}.jpg")
    picture(tree / "vifb/fused/car_NEW.jpg")
    assert list(data.load("vifb")[0]) == ["name", "rgb", "ir"]
    assert data.load("vifb")[0]["ir"].shape == (1, 6, 8)
    assert list(data.load("vifb", methods="all")[0]["fused"]) == ["GFF", "MST_SR"]
    assert data.load("vifb", methods="GFF")["man"]["fused"]["GFF"].shape == (3, 6, 8)
    with pytest.raises(ValueError, match="no outputs of CNN; there are GFF, MST_SR, NEW"):
        data.load("vifb", methods=("GFF", "CNN"))
    with pytest.raises(data.DataMissing, match="NEW: outputs missing for some pairs"):
        data.load("vifb", methods="NEW")
    batch = data.collate(list(data.load("vifb", methods="all")))
    assert batch["fused"]["GFF"].shape == (2, 3, 6, 8)


def test_your_own_folders_are_a_data_set(tmp_path):
    for name in ("a", "a-b"):  # by stem "a" comes first, by file name "a-b.jpg" would
        picture(tmp_path / f"colour/{name}.jpg")
        picture(tmp_path / f"thermal/{name}.png", channels=1)
        label_file(tmp_path / f"masks/{name}.png", torch.full((6, 8), 2))
    ds = data.own_images("mine", tmp_path, 3, rgb="colour", ir="thermal", labels="masks")
    assert (ds.names, ds.fields, ds.variant) == (("a", "a-b"), ("rgb", "ir", "labels"), "mine-jpg")
    assert data.collate(list(ds))["labels"].shape == (2, 6, 8) and len(ds.fingerprint) == 64
    with pytest.raises(ValueError, match="expected ids 0..1 or 255"):
        data.own_images("mine", tmp_path, 2, labels="masks")[0]
    (tmp_path / "thermal/a.png").unlink()
    with pytest.raises(ValueError, match=r"mine: 1 of 2 samples have no file in .*thermal \(a\)"):
        data.own_images("mine", tmp_path, rgb="colour", ir="thermal")
    for folders_ in ({}, {"sound": "noise"}):
        with pytest.raises(ValueError, match="mine: expected subfolders for some of rgb, ir, rgb_next, labels"):
            data.own_images("mine", tmp_path, **folders_)


def test_the_steps_to_add_a_set_name_what_there_is():
    """Whoever asks how to add a data set is sent to places that exist."""
    steps = data.__doc__.partition("How do I add a data set?")[2]
    for path in ("mmlib/data/llvip.py", "data_scripts/recipes.py", "data_scripts/obtain.py", "book/datasets.md"):
        assert path.rpartition("/")[2] in steps and (ROOT / path).is_file()
    assert all(hasattr(*found) for found in ((pairs, "paired"), (dataset, "Reads"), (dataset, "from_files")))
    assert all(word in steps for word in ("pairs.paired", "`Reads`", "dataset.from_files", "folders.SETS", "`Recipe`"))


# --- manifests and fingerprints


def test_changed_bytes_are_noticed_where_there_is_a_manifest(tree):
    roadscene(tree)
    sign(tree / "roadscene")
    picture(tree / "roadscene/vi/b.jpg", level=0.3)
    ds = data.load("roadscene")
    assert ds["a"]["rgb"].shape == (3, 6, 8)
    with pytest.raises(ValueError, match=r"vi/b.jpg: damaged or changed: expected sha256 .*--check"):
        ds["b"]
    (tree / "roadscene/ir/c.jpg").unlink()
    assert folders.verify_all(tree / "roadscene") == ["ir/c.jpg: missing", "vi/b.jpg: sha256 differs"]


def test_a_broken_manifest(tree):
    roadscene(tree)
    text_file(tree / "roadscene/MANIFEST.sha256", "abc\n")
    with pytest.raises(ValueError, match=r"MANIFEST.sha256:1: expected '<sha256>  <path>'"):
        data.load("roadscene")[0]


def test_fingerprint_follows_bytes_names_and_variant(tree):
    roadscene(tree)
    ds = data.load("roadscene")
    before = ds.fingerprint
    assert before == data.load("roadscene").fingerprint and len(before) == 64
    assert ds[:2].fingerprint != before and ds[:3].fingerprint == before
    picture(tree / "roadscene/ir/c.jpg", channels=1, level=0.1)
    assert data.load("roadscene").fingerprint != before
    assert ds[:2].fingerprint == data.load("roadscene")[:2].fingerprint
    unsigned = ds.fingerprint
    sign(tree / "roadscene")
    folders.manifest.cache_clear()
    assert data.load("roadscene").fingerprint == unsigned, "a manifest saves time and changes nothing"
