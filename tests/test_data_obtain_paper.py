"""The scripts of the papers' full sets: archives a person brings, folders a person unpacked, and what is said."""

import hashlib
import importlib.util
import zipfile
from dataclasses import replace

import pytest
import torch
from data_trees import label_file, picture, sign, text_file
from paper_trees import SIZE, cityscapes, depth, fmb, gta5, ids, llvip, m3fd, mfnet, msrs_full, pairs
from web import Site, left_in, serving

from mmlib import data
from mmlib.data import folders, obtain
from mmlib.data.flow_files import write_flow
from mmlib.data.obtain import Recipe, Source


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty data root, and hashes pinned elsewhere than in the repository."""
    monkeypatch.setattr(obtain, "LOCK", tmp_path / "lock.json")
    monkeypatch.setattr(obtain, "download", lambda url, *_: pytest.fail(f"asked the network for {url}"))
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    folders.manifest.cache_clear()
    return tmp_path / "data"


def script(name):
    spec = importlib.util.spec_from_file_location(f"script_{name}", folders.REPOSITORY / "data_scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packed(path, folder, prefix="", only=()):
    """A zip of a folder's files (those whose path starts with one of `only`), as a person would have brought it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as bundle:
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if file.is_file() and (not only or name.startswith(only)):
                bundle.write(file, prefix + name)
        bundle.writestr(f"{prefix}README.md", "something else")
    return path


def run(recipe, *arguments):
    return obtain.main(recipe, list(map(str, arguments)))


def small(name, counts):
    """A script's recipe with the counts of a made-up set, and without the hashes of the real archives."""
    recipe = script(name).RECIPE
    return replace(recipe, counts=counts, sources=tuple(replace(s, sha256=None) for s in recipe.sources))


# --- archives that a person brings


BROUGHT = Source("https://example.org/sign-in", "set.zip", ((r"(.+\.jpg)", r"vi/\1"),), known="unseen", by_hand=True)
MADE = Recipe("made", "made", "a made-up set", "none", (BROUGHT,), {"vi": 1}, manual=("sign in",))


def test_what_needs_a_person_is_said_and_nothing_is_fetched(root, capsys):
    assert run(MADE) == 1
    said = capsys.readouterr().err
    for part in (f"expected {root / '.downloads/set.zip'}", "get it by hand from https://example.org/sign-in",
                 "sign in", "python data_scripts/made.py --adopt", "sha256 unseen"):  # fmt: skip
        assert part in said
    assert "with a network" not in said and not root.exists()


def test_an_archive_that_was_brought_is_verified_arranged_and_kept(root, tmp_path, capsys):
    archive = packed(root / ".downloads/set.zip", text_file(tmp_path / "in/a.jpg", "a").parent)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    wrong = replace(MADE, sources=(replace(BROUGHT, sha256="0" * 64),))
    assert run(wrong) == 1 and f"expected sha256 {'0' * 64}, got {digest}" in capsys.readouterr().err
    assert run(replace(MADE, sources=(replace(BROUGHT, sha256=digest),))) == 0
    assert left_in(root) == [".downloads/set.zip", "made/MANIFEST.sha256", "made/SOURCE.txt", "made/vi/a.jpg"]
    assert run(MADE, "--check") == 0
    assert run(replace(MADE, folder="other", counts={"vi": 2})) == 1
    assert archive.is_file() and not (root / "other").exists(), "a person's file is never thrown away"


def test_optional_archives_may_be_absent_and_have_their_own_pin(root, tmp_path):
    extra = Source("https://example.org/more", "more.zip", ((r"(.+\.png)", r"ir/\1"),), by_hand=True, optional=True)
    recipe = replace(MADE, sources=(BROUGHT, extra))
    packed(root / ".downloads/set.zip", text_file(tmp_path / "in/a.jpg", "a").parent)
    assert run(recipe) == 0 and left_in(root / "made") == ["MANIFEST.sha256", "SOURCE.txt", "vi/a.jpg"]
    packed(root / ".downloads/more.zip", text_file(tmp_path / "more/b.png", "b").parent)
    assert run(replace(recipe, folder="both")) == 0, "another content is no changed home"
    assert "ir/b.png" in left_in(root / "both")


# --- folders that a person unpacked


def test_a_folder_unpacked_by_hand_is_counted_and_signed(root, capsys):
    assert run(MADE, "--adopt") == 1 and "does not exist; unpack the set there first" in capsys.readouterr().err
    text_file(root / "made/vi/a.jpg", "a")
    assert run(replace(MADE, counts={"vi": 2}), "--adopt") == 1
    assert "made is not complete: vi: expected 2 files, got 1" in capsys.readouterr().err
    assert left_in(root) == ["made/vi/a.jpg"], "nothing is signed, nothing is moved"
    assert run(MADE, "--adopt") == 0 and run(MADE, "--check") == 0
    text_file(root / "made/camera/a.json", "{}")
    assert run(MADE, "--adopt") == 0 and "camera/a.json" in (root / "made/MANIFEST.sha256").read_text()
    text_file(root / "made/vi/a.jpg", "changed")
    assert run(MADE, "--adopt") == 1 and "what was signed before has changed: vi/a.jpg" in capsys.readouterr().err


def test_flow_computed_beside_a_set_is_not_part_of_it(root):
    text_file(root / "made/vi/a.jpg", "a")
    write_flow(root / "made/flow/dis/next/a.npz", torch.zeros(2, 4, 4))
    assert run(MADE, "--adopt") == 0 and "flow/" not in (root / "made/MANIFEST.sha256").read_text()


# --- the sets


def test_cityscapes_from_archives_and_from_a_folder(root, tmp_path, capsys):
    made = cityscapes(tmp_path / "in", ("aachen_000000_000019",), around=range(-19, 11))
    depth(made)
    counts = {"leftImg8bit/train": 1}
    for kind in ("leftImg8bit", "gtFine", "disparity", "camera"):
        packed(root / f".downloads/{kind}_trainvaltest.zip", made, only=(f"{kind}/",))
    assert run(small("cityscapes", counts)) == 0
    assert "train: 1 labelled, 0 previous, 0 next, 0 whole snippet" in capsys.readouterr().out
    assert data.load("cityscapes", depth=True)[0]["points"].shape == (3, *SIZE)
    made.rename(root / "again")
    recipe = replace(small("cityscapes", counts), folder="again")
    assert run(recipe, "--adopt") == 0
    assert "train: 1 labelled, 1 previous, 1 next, 1 whole snippet" in capsys.readouterr().out
    next((root / "again/gtFine").rglob("*.png")).unlink()
    (root / "again/MANIFEST.sha256").unlink()
    assert run(recipe, "--adopt") == 1
    assert "train: 1 images have no labels in gtFine/, such as aachen_000000_000019" in capsys.readouterr().err


def test_gta5_from_its_archives(root, tmp_path, monkeypatch):
    savemat = pytest.importorskip("scipy.io").savemat
    made = gta5(tmp_path / "in", ("00001", "00002"))
    recipe = small("gta5", {"images": 2, "labels": 2})
    sources = [s for s in recipe.sources if s.by_hand or s.name.startswith("gta5_01")]
    monkeypatch.undo()
    monkeypatch.setattr(obtain, "LOCK", tmp_path / "lock.json")
    monkeypatch.setenv("MMLIB_DATA", str(root))
    (root / ".downloads").mkdir(parents=True)
    savemat(root / ".downloads/split.mat", {"trainIds": [[1]], "valIds": [[2]], "testIds": [[2]]})
    body = packed(tmp_path / "all.zip", made).read_bytes()
    with serving(Site(body)) as site:
        served = tuple(s if s.by_hand else replace(s, url=f"{site.url}?{s.name}") for s in sources)
        assert run(replace(recipe, sources=served)) == 0
    assert data.load("gta5").names == ("00001", "00002") and data.load("gta5", "val").names == ("00002",)
    assert left_in(root / ".downloads") == ["split.mat"], "what came by the network goes, what a person brought stays"


def test_gta5_explains_a_split_file_of_another_kind(tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    savemat(tmp_path / "split.mat", {"train": [[1]]})
    with pytest.raises(ValueError, match="expected the keys trainIds, valIds, testIds, got .*'train'"):
        script("gta5").write_lists(tmp_path)


def test_mfnet_from_its_archive(root, tmp_path):
    made = mfnet(tmp_path / "in")
    label_file(made / "labels/00001D_flip.png", ids(0))
    packed(root / ".downloads/ir_seg_dataset.zip", made, "ir_seg_dataset/")
    assert run(small("mfnet", {"images": 5, "labels": 5})) == 0, "mirrored copies are not taken"
    assert len(data.load("mfnet", "test")) == 2 and data.load("mfnet", "test_night").names == ("00004N",)


def test_fmb_from_an_archive(root, tmp_path):
    made = fmb(tmp_path / "in", train=10)
    picture(made / "test/color/test000.png", *SIZE)
    packed(root / ".downloads/FMB.zip", made, "FMB/")
    assert run(small("fmb", {"train/Visible": 10, "test/Label": 2})) == 0
    assert len(data.load("fmb", "fit")) == 9 and not (root / "fmb/test/color").exists()


def test_m3fd_takes_lists_and_archives(root, tmp_path, monkeypatch, capsys):
    made = m3fd(tmp_path / "in")
    pairs(tmp_path / "fusion", ("00003",), rgb="Vis", ir="Ir")
    lists = {"train": "\n".join(f"{i:05d}" for i in range(6)), "val": "00006\n00007\n"}
    packed(root / ".downloads/M3FD_Detection.zip", made)
    packed(root / ".downloads/M3FD_Fusion.zip", tmp_path / "fusion")

    def fetched(url, target, *_):
        return text_file(target, lists[url.rpartition("/")[2].removesuffix(".txt")])

    monkeypatch.setattr(obtain, "download", fetched)
    module = script("m3fd")
    recipe = replace(small("m3fd", {"Vis": 8, "Ir": 8, "Annotation": 8}), finish=module.arrange_lists)
    assert run(recipe) == 1 and "damsdet_train.txt: expected 3368 frames, got 6" in capsys.readouterr().err
    monkeypatch.setattr(module, "SIZES", {"train": 6, "val": 2})
    assert run(recipe) == 0
    assert data.load("m3fd", "val").names == ("00006", "00007") and len(data.load("m3fd", "train")) == 6
    assert data.load("m3fd", "fusion").names == ("00003",) and len(data.load("m3fd")) == 8


def test_llvip_from_its_archive(root, tmp_path):
    packed(root / ".downloads/LLVIP.zip", llvip(tmp_path / "in"), "LLVIP/")
    assert run(small("llvip", {"visible/train": 2, "Annotations": 3})) == 0
    assert len(data.load("llvip")) == 2


def test_msrs_full_from_its_repositories(root, tmp_path, monkeypatch):
    from web import tarball

    made = msrs_full(tmp_path / "in")
    members = {f"r-1/{p.relative_to(made).as_posix().removeprefix('labels_det/')}": p.read_bytes()
               for p in made.rglob("*") if p.is_file()}  # fmt: skip
    for sensor in ("visible", "infrared"):
        members[f"r-1/{sensor}/train/00001N.txt"] = b""
    bundle = tarball(tmp_path / "all.tgz", members)
    monkeypatch.setattr(obtain, "download", lambda url, target, *_: _copied(bundle, target))
    recipe = small("msrs_full", {"train/vi": 12, "test/Segmentation_labels": 2})
    assert run(recipe) == 0
    assert len(data.load("msrs_full", boxes="fusion")) == 12 and len(data.load("msrs_full", "test")) == 2


def _copied(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    return target


@pytest.mark.parametrize("name", ["cityscapes", "mfnet", "fmb", "m3fd", "llvip"])
def test_scripts_of_sets_behind_a_login_never_touch_the_network(name, root, capsys):
    assert run(script(name).RECIPE) == 1
    said = capsys.readouterr().err
    assert "get it by hand from https://" in said and ".downloads/" in said and "unseen" in said


def test_a_copy_is_taken_by_its_manifest(root, tmp_path):
    made = fmb(tmp_path / "pack", train=10)
    sign(made)
    assert run(small("fmb", {"test/Label": 2}), "--from", tmp_path / "pack") == 0 and len(data.load("fmb")) == 10
