"""Obtaining sets: signed, pinned, never over somebody's files; archives a person brings, folders a person unpacked; and
every row of the table of recipes against its loader."""

import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import arrange
import obtain
import pytest
import torch
from data_trees import label_file, picture, png, roadscene, sign, text_file
from download import UNSEEN, download
from paper_trees import SIZE, cityscapes, depth, fmb, gta5, ids, llvip, m3fd, mfnet, msrs_full, pairs
from recipes import RECIPES, Recipe, Source
from web import Site, left_in, serving, tarball

from mmlib import data
from mmlib.data import folders
from mmlib.data.flow_files import write_flow
from mmlib.data.weights import SHA256
from mmlib.text import GLOVE_FILE, glove

NETWORK = Source("", "file.tgz", ((r"[^/]+/(.+)", r"vi/\1"),))
BROUGHT = Source("https://example.org/sign-in", "set.zip", ((r"(.+\.jpg)", r"vi/\1"),), known="unseen", by_hand=True)
MADE = Recipe("a made-up set", "none", (BROUGHT,), {"vi": 1}, manual=("sign in",))


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """Hashes pinned elsewhere than in the repository, and a set called "made"."""
    monkeypatch.setattr(obtain, "LOCK", tmp_path / "lock.json")
    monkeypatch.setitem(folders.FOLDERS, "made", "made")
    return tmp_path / "lock.json"


@pytest.fixture
def root(tmp_path, lock, monkeypatch):
    """An empty data root where nothing may be fetched."""
    monkeypatch.setattr(obtain, "download", lambda url, *_: pytest.fail(f"asked the network for {url}"))
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    folders.manifest.cache_clear()
    return tmp_path / "data"


@pytest.fixture
def run(monkeypatch):
    """Obtain a set by this recipe, or a row of the table with changes, as the command line would."""

    def obtained(name, *arguments, recipe=None, **changes):
        monkeypatch.setitem(RECIPES, name, replace(recipe or RECIPES[name], **changes))
        return obtain.main([name, *map(str, arguments)])

    return obtained


@pytest.fixture
def home(tmp_path):
    """A web site that holds a made-up set of two files."""
    archive = tarball(tmp_path / "home.tgz", {"r/a.jpg": b"a", "r/b.jpg": b"b"})
    with serving(Site(archive.read_bytes())) as site:
        yield site


def from_network(url, **changes):
    return replace(MADE, sources=(replace(NETWORK, url=url),), counts={"vi": 2}, **changes)


def without_hashes(name):
    """The sources of a row without the hashes of the real archives."""
    return tuple(replace(source, sha256=UNSEEN) for source in RECIPES[name].sources)


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


# --- from the network


def test_a_set_is_obtained_signed_and_found_again(home, lock, run, tmp_path, capsys):
    recipe, place = from_network(home.url), ("--data", tmp_path / "data")
    assert run("made", *place, recipe=recipe) == 0
    assert left_in(tmp_path / "data") == ["made/MANIFEST.sha256", "made/SOURCE.txt", "made/vi/a.jpg", "made/vi/b.jpg"]
    assert home.url in (tmp_path / "data/made/SOURCE.txt").read_text()
    assert run("made", *place) == 0 and "already there and verified" in capsys.readouterr().out
    assert len(home.asked) == 1 and run("made", *place, "--check") == 0
    assert run("made", *place, recipe=from_network(home.url), counts={"vi": 3}) == 1, "a recipe that has grown"
    assert "move it away" in capsys.readouterr().err
    (tmp_path / "data/made/vi/a.jpg").unlink()
    assert run("made", *place, "--check") == 1 and "vi/a.jpg: missing" in capsys.readouterr().out


def test_unseen_hashes_are_pinned_and_then_hold(home, lock, run, tmp_path, capsys):
    recipe = from_network(home.url)
    assert run("made", "--data", tmp_path / "one", recipe=recipe) == 0
    assert set(json.loads(lock.read_text())) == {"made"} and "unseen; pinned" in capsys.readouterr().out
    home.body = tarball(tmp_path / "new.tgz", {"r/a.jpg": b"A", "r/b.jpg": b"b"}).read_bytes()
    assert run("made", "--data", tmp_path / "two", recipe=recipe) == 1
    assert "its home has changed" in capsys.readouterr().err and not (tmp_path / "two/made").exists()


def test_a_known_digest_and_the_counts_must_be_met(home, lock, run, tmp_path, capsys):
    place = ("--data", tmp_path / "data")
    assert run("made", *place, recipe=from_network(home.url, digest="0" * 64)) == 1
    assert "expected sha256 0000" in capsys.readouterr().err and left_in(tmp_path / "data") == []
    assert run("made", *place, counts={"vi": 3}) == 1
    assert "vi: expected 3 files, got 2" in capsys.readouterr().err


def test_a_damaged_archive_is_fetched_again_by_the_next_run(home, lock, run, tmp_path, capsys):
    good, home.body = home.body, home.body[:60]
    place, recipe = ("--data", tmp_path / "data"), from_network(home.url)
    assert run("made", *place, recipe=recipe) == 1 and "damaged or cut short" in capsys.readouterr().err
    assert left_in(tmp_path / "data") == [], "nothing half-written"
    assert not lock.exists(), "damaged bytes are not pinned"
    home.body = good
    assert run("made", *place) == 0


def test_what_was_fetched_survives_a_failure_that_says_nothing_about_it(home, lock, run, tmp_path):
    def full(folder):
        raise OSError("no space left on device")

    recipe = from_network(home.url, finish=full)
    assert run("made", "--data", tmp_path / "data", recipe=recipe) == 1
    assert left_in(tmp_path / "data") == [".downloads/file.tgz"]


def test_without_a_network_it_says_what_to_do(lock, run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(obtain, "download", lambda *a: download(*a, tries=1, timeout=1))
    recipe = from_network("http://127.0.0.1:9/file.tgz", only_in_pack="the masks")
    assert run("made", "--data", tmp_path / "data", recipe=recipe) == 1
    said = capsys.readouterr().err
    for part in ("no connection", f"Missing: {tmp_path / 'data/made'}", "obtain.py made --from FOLDER", "sign in",
                 "with a network", "sha256 unseen", "Not at these homes: the masks", "Terms: none"):  # fmt: skip
        assert part in said
    assert list(tmp_path.iterdir()) == [], "not even an empty folder"


def test_a_folder_filled_by_hand_is_never_overwritten(home, lock, run, tmp_path, capsys):
    mine = text_file(tmp_path / "data/made/vi/mine.jpg", "mine")
    assert run("made", "--data", tmp_path / "data", recipe=from_network(home.url)) == 1
    assert "move it away" in capsys.readouterr().err and mine.read_text() == "mine" and home.asked == []


# --- from a copy, from archives that a person brings, from folders that a person unpacked


def test_from_a_copy(root, run, tmp_path, capsys):
    pack = tmp_path / "pack"
    roadscene(pack)
    sign(pack / "roadscene")
    for number, source in enumerate((pack, pack / "roadscene")):
        assert run("roadscene", "--from", source, "--data", tmp_path / str(number)) == 0
        assert folders.verify_all(tmp_path / str(number) / "roadscene") == []
    (pack / "roadscene/vi/a.jpg").write_bytes(b"changed")
    (pack / "roadscene/vi/b.jpg").unlink()
    assert run("roadscene", "--from", pack) == 1
    said = capsys.readouterr().err
    assert "not whole" in said and "vi/a.jpg: sha256 differs" in said and "vi/b.jpg: missing" in said
    assert run("roadscene", "--from", tmp_path / "nowhere") == 1 and "is not a folder" in capsys.readouterr().err
    (pack / "roadscene/MANIFEST.sha256").unlink()
    assert run("roadscene", "--check", "--data", pack) == 1 and "no MANIFEST.sha256" in capsys.readouterr().err
    assert not (root / "roadscene").exists()


def test_a_manifest_that_leads_outside_is_refused(tmp_path):
    text_file(tmp_path / "MANIFEST.sha256", f"{'0' * 64}  ../outside\n")
    with pytest.raises(ValueError, match="MANIFEST.sha256:1"):
        folders.verify_all(tmp_path)


def test_what_needs_a_person_is_said_and_nothing_is_fetched(root, run, capsys):
    assert run("made", recipe=MADE) == 1
    said = capsys.readouterr().err
    for part in (f"expected {root / '.downloads/set.zip'}", "get it by hand from https://example.org/sign-in",
                 "sign in", "python data_scripts/obtain.py made --adopt", "sha256 unseen"):  # fmt: skip
        assert part in said
    assert "with a network" not in said and not root.exists()


def test_an_archive_that_was_brought_is_verified_arranged_and_kept(root, run, tmp_path, capsys):
    archive = packed(root / ".downloads/set.zip", text_file(tmp_path / "in/a.jpg", "a").parent)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert run("made", recipe=MADE, sources=(replace(BROUGHT, sha256="0" * 64),)) == 1
    assert f"expected sha256 {'0' * 64}, got {digest}" in capsys.readouterr().err
    assert run("made", recipe=MADE, counts={"vi": 2}) == 1 and left_in(root) == [".downloads/set.zip"]
    assert run("made", recipe=MADE, sources=(replace(BROUGHT, sha256=digest),)) == 0
    assert left_in(root) == [".downloads/set.zip", "made/MANIFEST.sha256", "made/SOURCE.txt", "made/vi/a.jpg"]
    assert run("made", "--check") == 0


def test_optional_archives_may_be_absent_and_have_their_own_pin(root, run, tmp_path):
    extra = Source("https://example.org/more", "more.zip", ((r"(.+\.png)", r"ir/\1"),), by_hand=True, optional=True)
    recipe = replace(MADE, sources=(BROUGHT, extra))
    packed(root / ".downloads/set.zip", text_file(tmp_path / "in/a.jpg", "a").parent)
    assert run("made", recipe=recipe) == 0 and left_in(root / "made") == ["MANIFEST.sha256", "SOURCE.txt", "vi/a.jpg"]
    packed(root / ".downloads/more.zip", text_file(tmp_path / "more/b.png", "b").parent)
    (root / "made").rename(tmp_path / "before")
    assert run("made", recipe=recipe) == 0, "another content is no changed home"
    assert "ir/b.png" in left_in(root / "made")


def test_a_folder_unpacked_by_hand_is_counted_and_signed(root, run, capsys):
    assert run("made", "--adopt", recipe=MADE) == 1
    assert "does not exist; unpack the set there first" in capsys.readouterr().err
    text_file(root / "made/vi/a.jpg", "a")
    assert run("made", "--adopt", counts={"vi": 2}) == 1
    assert "made is not complete: vi: expected 2 files, got 1" in capsys.readouterr().err
    assert left_in(root) == ["made/vi/a.jpg"], "nothing is signed, nothing is moved"
    write_flow(root / "made/flow/dis/next/a.npz", torch.zeros(2, 4, 4))
    assert run("made", "--adopt", recipe=MADE) == 0 and run("made", "--check") == 0
    text_file(root / "made/camera/a.json", "{}")
    assert run("made", "--adopt") == 0
    manifest = (root / "made/MANIFEST.sha256").read_text()
    assert "camera/a.json" in manifest and "flow/" not in manifest, "flow computed beside a set is no part of it"
    text_file(root / "made/vi/a.jpg", "changed")
    assert run("made", "--adopt") == 1 and "what was signed before has changed: vi/a.jpg" in capsys.readouterr().err


# --- the table


def test_every_set_has_a_row_and_every_row_a_folder(capsys):
    assert set(RECIPES) == set(folders.FOLDERS) - {"camvid_video"}
    for name, recipe in RECIPES.items():
        assert recipe.terms and recipe.about and recipe.sources, name
        for source in recipe.sources:
            assert source.url.startswith("https://") and source.known, name
            assert source.sha256 == UNSEEN or len(source.sha256) == 64, name
        assert recipe.digest == UNSEEN or len(recipe.digest) == 64, name
    with pytest.raises(SystemExit) as stop:
        obtain.main(["--help"])
    said = capsys.readouterr().out
    assert stop.value.code == 0 and "--from" in said and all(recipe.terms in said for recipe in RECIPES.values())


def test_the_command_runs_on_its_own(tmp_path):
    command = [sys.executable, folders.REPOSITORY / "data_scripts/obtain.py", "tno", "--data", tmp_path, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and "does not exist" in done.stderr and "obtain.py tno --from FOLDER" in done.stderr


@pytest.mark.parametrize("name", ["cityscapes", "mfnet", "fmb", "m3fd", "llvip"])
def test_sets_behind_a_login_never_touch_the_network(name, root, capsys):
    assert obtain.main([name]) == 1
    said = capsys.readouterr().err
    assert "get it by hand from https://" in said and ".downloads/" in said and "unseen" in said


def test_tree_digests_of_unchanged_sets_are_those_of_the_data_pack(shared_data):
    for name in ("roadscene", "vifb"):
        if not (shared_data / name).is_dir():
            pytest.skip("no data pack")
        assert obtain.tree_digest(shared_data / name) == RECIPES[name].digest


# --- single rows, on made-up archives of the layout that they expect


def served(name, members, counts, tmp_path, run, monkeypatch):
    """Run a row whose every source is the same made-up archive."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    with serving(Site(tarball(tmp_path / "all.tgz", members).read_bytes())) as site:
        sources = tuple(replace(source, url=f"{site.url}?{i}") for i, source in enumerate(RECIPES[name].sources))
        assert run(name, sources=sources, counts=counts) == 0


def test_msrs_is_lossless_and_has_every_box_file(tmp_path, lock, run, monkeypatch):
    members = {f"r-1/datasets/test_imgs/{kind}/0000{n}.png": png() for kind in ("vi", "ir") for n in ("1D", "2N")}
    members |= {f"r-1/{s}/test/00001D.txt": b"0 0.5 0.5 0.5 0.5\n" for s in ("visible", "infrared", "fusion")}
    served("msrs", members, {"vi": 2, "labels_det/fusion": 2}, tmp_path, run, monkeypatch)
    ds = data.load("msrs")
    assert ds.variant == "msrs-png" and [len(sample["boxes"]) for sample in ds] == [1, 0]


def test_msrs_full_has_every_box_file_and_none_without_an_image(tmp_path, lock, run, monkeypatch):
    made = msrs_full(tmp_path / "in")
    members = {f"r-1/{p.relative_to(made).as_posix().removeprefix('labels_det/')}": p.read_bytes()
               for p in made.rglob("*") if p.is_file() and p.name != "00000D.txt"}  # fmt: skip
    members |= {f"r-1/{sensor}/train/00001N.txt": b"" for sensor in ("visible", "infrared")}
    served("msrs_full", members, {"train/vi": 12, "test/Segmentation_labels": 2}, tmp_path, run, monkeypatch)
    ds = data.load("msrs_full", boxes="fusion")
    assert len(ds) == 12 and len(ds["00000D"]["boxes"]) == 0 and len(data.load("msrs_full", "test")) == 2
    text_file(tmp_path / "data/msrs_full/labels_det/fusion/train/99999D.txt", "")
    with pytest.raises(ValueError, match=r"1 box files in .* have no image, such as 99999D.txt"):
        arrange.msrs_full_box_files(tmp_path / "data/msrs_full")


def test_camvid_has_the_lists(tmp_path, lock, run, monkeypatch):
    names = {"train": ("0001TP_1", "0006R0_2"), "val": ("0016E5_1", "0016E5_2"), "test": ("0001TP_9", "Seq05VD_1")}
    members = {f"r-1/CamVid/{s}{part}/{n}.png": png(3 if not part else 1, 3 / 255)
               for s, found in names.items() for n in found for part in ("", "annot")}  # fmt: skip
    served("camvid", members, {"val/images": 2}, tmp_path, run, monkeypatch)
    assert data.load("camvid", "val").variant == "camvid-png"
    assert data.load("camvid", "source_day_train").names == ("0006R0_2",)
    assert data.load("camvid", "target_dusk_test").names == ("0001TP_9",)
    assert data.load("camvid_video").names == ("0016E5_1",)
    assert data.load("camvid", "val")[0]["labels"].unique().tolist() == [3]


def test_camvid_lists_are_those_of_the_data_pack(shared_data, tmp_path):
    pack = shared_data / "camvid"
    if not (pack / "referring_templates.jsonl").is_file():
        pytest.skip("no data pack")
    for split in ("train", "val", "test"):
        for name in (pack / f"{split}.txt").read_text().split():
            text_file(tmp_path / split / "images" / f"{name}.png", "")
    arrange.camvid_lists(tmp_path)
    lists = [path for path in left_in(tmp_path) if path.endswith(".txt")]
    assert len(lists) == 9
    assert [name for name in lists if (tmp_path / name).read_text() != (pack / name).read_text()] == []


def test_cityscapes_from_archives_and_from_a_folder(root, run, tmp_path, capsys):
    made = cityscapes(tmp_path / "in", ("aachen_000000_000019",), around=range(-19, 11))
    depth(made)
    counts = {"leftImg8bit/train": 1}
    for kind in ("leftImg8bit", "gtFine", "disparity", "camera"):
        packed(root / f".downloads/{kind}_trainvaltest.zip", made, only=(f"{kind}/",))
    assert run("cityscapes", counts=counts) == 0
    assert "train: 1 labelled, 0 previous, 0 next, 0 whole snippet" in capsys.readouterr().out
    assert data.load("cityscapes", depth=True)[0]["points"].shape == (3, *SIZE)
    (root / "cityscapes").rename(tmp_path / "before")
    made.rename(root / "cityscapes")
    assert run("cityscapes", "--adopt", counts=counts) == 0
    assert "train: 1 labelled, 1 previous, 1 next, 1 whole snippet" in capsys.readouterr().out
    next((root / "cityscapes/gtFine").rglob("*.png")).unlink()
    (root / "cityscapes/MANIFEST.sha256").unlink()
    assert run("cityscapes", "--adopt", counts=counts) == 1
    assert "train: 1 images have no labels in gtFine/, such as aachen_000000_000019" in capsys.readouterr().err


def test_gta5_from_its_archives(tmp_path, lock, run, monkeypatch):
    from scipy.io import savemat

    root = tmp_path / "data"
    monkeypatch.setenv("MMLIB_DATA", str(root))
    (root / ".downloads").mkdir(parents=True)
    savemat(root / ".downloads/split.mat", {"trainIds": [[1]], "valIds": [[2]], "testIds": [[2]]})
    sources = [s for s in RECIPES["gta5"].sources if s.by_hand or s.name.startswith("gta5_01")]
    with serving(Site(packed(tmp_path / "all.zip", gta5(tmp_path / "in", ("00001", "00002"))).read_bytes())) as site:
        sources = tuple(s if s.by_hand else replace(s, url=f"{site.url}?{s.name}") for s in sources)
        assert run("gta5", counts={"images": 2, "labels": 2}, sources=sources) == 0
    assert data.load("gta5").names == ("00001", "00002") and data.load("gta5", "val").names == ("00002",)
    assert left_in(root / ".downloads") == ["split.mat"], "what came by the network goes, what a person brought stays"
    savemat(root / "gta5/split.mat", {"train": [[1]]})
    with pytest.raises(ValueError, match="expected the keys trainIds, valIds, testIds, got .*'train'"):
        arrange.gta5_lists(root / "gta5")


def test_mfnet_from_its_archive(root, run, tmp_path):
    made = mfnet(tmp_path / "in")
    label_file(made / "labels/00001D_flip.png", ids(0))
    packed(root / ".downloads/ir_seg_dataset.zip", made, "ir_seg_dataset/")
    assert run("mfnet", counts={"images": 5, "labels": 5}) == 0, "mirrored copies are not taken"
    assert len(data.load("mfnet", "test")) == 2 and data.load("mfnet", "test_night").names == ("00004N",)


def test_fmb_from_an_archive(root, run, tmp_path):
    made = fmb(tmp_path / "in", train=10)
    picture(made / "test/color/test000.png", *SIZE)
    packed(root / ".downloads/FMB.zip", made, "FMB/")
    assert run("fmb", counts={"train/Visible": 10, "test/Label": 2}) == 0
    assert len(data.load("fmb", "fit")) == 9 and not (root / "fmb/test/color").exists()


def test_m3fd_takes_lists_and_archives(root, run, tmp_path, monkeypatch, capsys):
    pairs(tmp_path / "fusion", ("00003",), rgb="Vis", ir="Ir")
    lists = {"train.txt": "\n".join(f"{i:05d}" for i in range(6)), "val.txt": "00006\n00007\n"}
    packed(root / ".downloads/M3FD_Detection.zip", m3fd(tmp_path / "in"))
    packed(root / ".downloads/M3FD_Fusion.zip", tmp_path / "fusion")
    monkeypatch.setattr(obtain, "download", lambda url, target, *_: text_file(target, lists[url.rpartition("/")[2]]))
    small = {"counts": {"Vis": 8, "Ir": 8, "Annotation": 8}, "sources": without_hashes("m3fd")}
    assert run("m3fd", **small) == 1 and "damsdet_train.txt: expected 3368 frames, got 6" in capsys.readouterr().err
    monkeypatch.setattr(arrange, "M3FD_LISTS", {"train": 6, "val": 2})
    assert run("m3fd", **small) == 0
    assert data.load("m3fd", "val").names == ("00006", "00007") and len(data.load("m3fd", "train")) == 6
    assert data.load("m3fd", "fusion").names == ("00003",) and len(data.load("m3fd")) == 8


def test_llvip_from_its_archive(root, run, tmp_path):
    packed(root / ".downloads/LLVIP.zip", llvip(tmp_path / "in"), "LLVIP/")
    assert run("llvip", counts={"visible/train": 2, "Annotations": 3}) == 0
    assert len(data.load("llvip")) == 2


def test_glove_takes_frequent_and_extra_words(tmp_path, monkeypatch):
    monkeypatch.setattr(arrange, "GLOVE_FREQUENT", 2)
    monkeypatch.setattr(arrange, "GLOVE_EXTRA", ("bmx",))
    words = {"the": 1.0, "of": 2.0, "rare": 3.0, "bmx": 4.0, "last": 5.0}
    body = {"size": 5, "words": list(words), "vectors": {w: [v] * 100 + [9.9, 0] for w, v in words.items()}}
    text_file(tmp_path / "embeddings.json", json.dumps(body, separators=(",", ":")))
    with pytest.raises(ValueError, match="not those that were seen") as caught:
        arrange.glove(tmp_path)
    monkeypatch.setattr(arrange, "GLOVE_CONTENT", str(caught.value).split("got ")[1])
    arrange.glove(tmp_path)
    vectors = glove(tmp_path / GLOVE_FILE)
    assert vectors.words == ("the", "of", "bmx") and vectors.vectors[:, 0].tolist() == [1, 2, 4]
    assert vectors.vectors.shape == (3, 100) and not (tmp_path / "embeddings.json").exists()


def test_weights_are_renamed_and_checked_by_value(tmp_path, monkeypatch):
    state = {"a": torch.tensor([1.0, 0.5]), "n": torch.tensor(3)}
    digest = arrange.values_digest(arrange.halved(state))
    monkeypatch.setattr(arrange, "WEIGHTS_KEPT", {"gmflow": (arrange.halved, digest)})
    torch.save(state, tmp_path / "gmflow.original")
    arrange.weights(tmp_path)
    saved = torch.load(tmp_path / data.WEIGHTS["gmflow"], weights_only=True)
    assert saved["a"].dtype == torch.float16 and left_in(tmp_path) == [data.WEIGHTS["gmflow"]]
    torch.save(state | {"a": torch.tensor([1.0, 0.25])}, tmp_path / "gmflow.original")
    with pytest.raises(ValueError, match="not those that were seen"):
        arrange.weights(tmp_path)


def test_published_weights_have_the_values_in_the_table(shared_data):
    for name, (_, digest) in arrange.WEIGHTS_KEPT.items():
        path = shared_data / "weights" / data.WEIGHTS[name]
        if not path.is_file():
            pytest.skip("no weights")
        assert arrange.values_digest(torch.load(path, map_location="cpu", weights_only=True)) == digest


def test_fusion_networks_are_fetched_as_they_are_and_get_their_folder(root, run, monkeypatch):
    monkeypatch.setattr(obtain, "download", download)
    monkeypatch.setattr(arrange, "WEIGHTS_KEPT", {})
    chosen = [s for s in RECIPES["weights"].sources if s.name == "lrrnet.pth"]
    assert chosen[0].sha256 == SHA256["lrrnet"] and "imagefusion-LRRNet/e489fc32" in chosen[0].url
    assert {s.sha256 for s in RECIPES["weights"].sources} >= {*SHA256.values()}
    with serving(Site(b"a network")) as site:
        sources = (replace(chosen[0], url=site.url, sha256=UNSEEN),)
        assert run("weights", counts={"fusion": 1}, sources=sources) == 0
    assert (root / "weights" / data.WEIGHTS["lrrnet"]).read_bytes() == b"a network"
