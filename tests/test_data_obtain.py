"""Arranging whole sets: signed, pinned, never over somebody's files; and the scripts' facts against the real sets."""

import importlib.util
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from data_trees import roadscene, sign
from web import Site, left_in, serving, tarball

from mmlib import data
from mmlib.data import folders, obtain
from mmlib.data.download import WrongBytes, download
from mmlib.data.obtain import Recipe, Source

SCRIPTS = (
    *("roadscene", "tno", "vifb", "msrs", "camvid", "davis", "middlebury", "glove", "weights"),
    *("cityscapes", "gta5", "mfnet", "fmb", "msrs_full", "m3fd", "llvip"),
)


# --- a whole set


@pytest.fixture
def lock(tmp_path, monkeypatch):
    monkeypatch.setattr(obtain, "LOCK", tmp_path / "lock.json")
    return tmp_path / "lock.json"


def recipe_for(url, **changes):
    source = Source(url, "file.tgz", ((r"[^/]+/(.+)", r"vi/\1"),))
    return replace(Recipe("made", "made", "a made-up set", "none", (source,), {"vi": 2}), **changes)


def run(recipe, root, *arguments):
    return obtain.main(recipe, ["--data", str(root), *map(str, arguments)])


@pytest.fixture
def home(tmp_path):
    """A web site that holds a made-up set."""
    archive = tarball(tmp_path / "home.tgz", {"r/a.jpg": b"a", "r/b.jpg": b"b"})
    with serving(Site(archive.read_bytes())) as site:
        yield site


def test_a_set_is_obtained_signed_and_found_again(home, lock, tmp_path, capsys):
    assert run(recipe_for(home.url), tmp_path / "data") == 0
    assert left_in(tmp_path / "data") == ["made/MANIFEST.sha256", "made/SOURCE.txt", "made/vi/a.jpg", "made/vi/b.jpg"]
    assert home.url in (tmp_path / "data/made/SOURCE.txt").read_text()
    assert run(recipe_for(home.url), tmp_path / "data") == 0 and "already there and verified" in capsys.readouterr().out
    assert len(home.asked) == 1 and run(recipe_for(home.url), tmp_path / "data", "--check") == 0


def test_unseen_hashes_are_pinned_and_then_hold(home, lock, tmp_path, capsys):
    assert run(recipe_for(home.url), tmp_path / "one") == 0
    assert set(json.loads(lock.read_text())) == {"made"} and "unseen; pinned" in capsys.readouterr().out
    home.body = tarball(tmp_path / "new.tgz", {"r/a.jpg": b"A", "r/b.jpg": b"b"}).read_bytes()
    assert run(recipe_for(home.url), tmp_path / "two") == 1
    assert "its home has changed" in capsys.readouterr().err and not (tmp_path / "two/made").exists()


def test_a_known_digest_must_be_met(home, lock, tmp_path, capsys):
    assert run(recipe_for(home.url, digest="0" * 64), tmp_path / "data") == 1
    assert "expected sha256 0000" in capsys.readouterr().err
    assert not (tmp_path / "data/made").exists() and not (tmp_path / "data/.made.unpacking").exists()
    assert run(recipe_for(home.url, counts={"vi": 3}), tmp_path / "data") == 1
    assert "vi: expected 3 files, got 2" in capsys.readouterr().err


def test_a_damaged_archive_is_fetched_again_by_the_next_run(home, lock, tmp_path, capsys):
    good, home.body = home.body, home.body[:60]
    assert run(recipe_for(home.url), tmp_path / "data") == 1 and "damaged or cut short" in capsys.readouterr().err
    assert left_in(tmp_path / "data") == [], "nothing half-written"
    assert not lock.exists(), "damaged bytes are not pinned"
    home.body = good
    assert run(recipe_for(home.url), tmp_path / "data") == 0


def test_without_a_network_it_says_what_to_do(lock, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(obtain, "download", lambda *a: download(*a, tries=1, timeout=1))
    recipe = recipe_for("http://127.0.0.1:9/file.tgz", only_in_pack="the masks", manual=("ask the authors",))
    assert run(recipe, tmp_path / "data") == 1
    said = capsys.readouterr().err
    for part in ("no connection", f"Missing: {tmp_path / 'data/made'}", "python data_scripts/made.py --from FOLDER",
                 "ask the authors", "sha256 unseen", "Not at these homes: the masks", "Terms: none"):  # fmt: skip
        assert part in said
    assert list(tmp_path.iterdir()) == [], "not even an empty folder"


def test_a_folder_filled_by_hand_is_never_overwritten(home, lock, tmp_path, capsys):
    mine = tmp_path / "data/made/vi/mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert run(recipe_for(home.url), tmp_path / "data") == 1
    assert "move it away" in capsys.readouterr().err and mine.read_text() == "mine" and home.asked == []


def test_from_a_copy(lock, tmp_path, capsys):
    pack = tmp_path / "pack"
    roadscene(pack)
    sign(pack / "roadscene")
    recipe = recipe_for("", name="roadscene", folder="roadscene")
    assert run(recipe, tmp_path / "one", "--from", pack) == 0
    assert run(recipe, tmp_path / "two", "--from", pack / "roadscene") == 0
    assert folders.verify_all(tmp_path / "two/roadscene") == []
    (pack / "roadscene/vi/a.jpg").write_bytes(b"changed")
    (pack / "roadscene/vi/b.jpg").unlink()
    assert run(recipe, tmp_path / "three", "--from", pack) == 1
    said = capsys.readouterr().err
    assert "vi/a.jpg: sha256 differs" in said and "vi/b.jpg: missing" in said and not (tmp_path / "three").exists()
    assert run(recipe, tmp_path / "three", "--from", tmp_path / "nowhere") == 1
    assert "is not a folder" in capsys.readouterr().err


def test_check_lists_what_is_wrong(lock, tmp_path, capsys):
    roadscene(tmp_path)
    recipe = recipe_for("", name="roadscene", folder="roadscene")
    assert run(recipe, tmp_path, "--check") == 1 and "no MANIFEST.sha256" in capsys.readouterr().err
    sign(tmp_path / "roadscene")
    assert run(recipe, tmp_path, "--check") == 0
    (tmp_path / "roadscene/ir/c.jpg").unlink()
    assert run(recipe, tmp_path, "--check") == 1 and "ir/c.jpg: missing" in capsys.readouterr().out


def test_a_manifest_that_leads_outside_is_refused(tmp_path):
    (tmp_path / "MANIFEST.sha256").write_text(f"{'0' * 64}  ../outside\n")
    with pytest.raises(ValueError, match="MANIFEST.sha256:1"):
        folders.verify_all(tmp_path)


# --- the scripts themselves


def script(name):
    spec = importlib.util.spec_from_file_location(f"script_{name}", folders.REPOSITORY / "data_scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_set_has_a_script_whose_facts_fit_its_loader(name, capsys):
    recipe = script(name).RECIPE
    assert recipe.name == name and recipe.folder == folders.FOLDERS[name] and recipe.terms and recipe.about
    for source in recipe.sources:
        assert source.url.startswith("https://") and source.known
        assert source.sha256 is None or len(source.sha256) == 64
    with pytest.raises(SystemExit) as stop:
        obtain.main(recipe, ["--help"])
    said = capsys.readouterr().out
    assert stop.value.code == 0 and "--from" in said and "Terms" in said


def test_a_script_runs_on_its_own(tmp_path):
    command = [sys.executable, folders.REPOSITORY / "data_scripts" / "tno.py", "--data", tmp_path, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and "does not exist" in done.stderr and "--from FOLDER" in done.stderr


def obtain_made(name, members, counts, tmp_path, monkeypatch):
    """Run a script's recipe against made-up archives that have the layout it expects."""
    recipe = script(name).RECIPE
    with serving(Site(tarball(tmp_path / "all.tgz", members).read_bytes())) as site:
        sources = tuple(replace(s, url=f"{site.url}?{i}") for i, s in enumerate(recipe.sources))
        assert run(replace(recipe, sources=sources, counts=counts, digest=None), tmp_path / "data") == 0
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))


def png(channels=3, level=0.5, size=(6, 8)):
    import torch
    from PIL import Image

    from mmlib.images import to_hwc

    buffer = io.BytesIO()
    Image.fromarray(to_hwc(torch.full((channels, *size), level))).save(buffer, "PNG")
    return buffer.getvalue()


def test_msrs_from_its_repositories_is_lossless_and_has_every_box_file(tmp_path, lock, monkeypatch):
    members = {f"r-1/datasets/test_imgs/{kind}/0000{n}.png": png() for kind in ("vi", "ir") for n in ("1D", "2N")}
    members |= {f"r-1/{s}/test/00001D.txt": b"0 0.5 0.5 0.5 0.5\n" for s in ("visible", "infrared", "fusion")}
    obtain_made("msrs", members, {"vi": 2, "labels_det/fusion": 2}, tmp_path, monkeypatch)
    ds = data.load("msrs")
    assert ds.variant == "msrs-png" and [len(s["boxes"]) for s in ds] == [1, 0]


def test_camvid_from_its_repository_has_the_lists(tmp_path, lock, monkeypatch):
    names = {"train": ("0001TP_1", "0006R0_2"), "val": ("0016E5_1", "0016E5_2"), "test": ("0001TP_9", "Seq05VD_1")}
    members = {f"r-1/CamVid/{s}{part}/{n}.png": png(3 if not part else 1, 3 / 255)
               for s, found in names.items() for n in found for part in ("", "annot")}  # fmt: skip
    obtain_made("camvid", members, {"val/images": 2}, tmp_path, monkeypatch)
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
        (tmp_path / split / "images").mkdir(parents=True)
        for name in (pack / f"{split}.txt").read_text().split():
            (tmp_path / split / "images" / f"{name}.png").touch()
    script("camvid").write_lists(tmp_path)
    lists = [p for p in left_in(tmp_path) if p.endswith(".txt")]
    assert len(lists) == 9
    assert [name for name in lists if (tmp_path / name).read_text() != (pack / name).read_text()] == []


def test_tree_digests_of_unchanged_sets_are_those_of_the_data_pack(shared_data):
    for name in ("roadscene", "vifb"):
        if not (shared_data / name).is_dir():
            pytest.skip("no data pack")
        assert obtain.tree_digest(shared_data / name) == script(name).RECIPE.digest


def test_glove_takes_frequent_and_extra_words(tmp_path, monkeypatch):
    module = script("glove")
    monkeypatch.setattr(module, "FREQUENT", 2)
    monkeypatch.setattr(module, "EXTRA", ("bmx",))
    words = {"the": 1.0, "of": 2.0, "rare": 3.0, "bmx": 4.0, "last": 5.0}
    body = {"size": 5, "words": list(words), "vectors": {w: [v] * 100 + [9.9, 0] for w, v in words.items()}}
    (tmp_path / "embeddings.json").write_text(json.dumps(body, separators=(",", ":")))
    with pytest.raises(WrongBytes, match="not those that were seen") as caught:
        module.shorten(tmp_path)
    monkeypatch.setattr(module, "CONTENT", str(caught.value).split("got ")[1])
    module.shorten(tmp_path)
    from mmlib.text import GLOVE_FILE, glove

    vectors = glove(tmp_path / GLOVE_FILE)
    assert vectors.words == ("the", "of", "bmx") and vectors.vectors[:, 0].tolist() == [1, 2, 4]
    assert vectors.vectors.shape == (3, 100) and not (tmp_path / "embeddings.json").exists()


def test_weights_are_renamed_and_checked_by_value(tmp_path, monkeypatch):
    import torch

    module = script("weights")
    monkeypatch.setattr(module, "CONVERT", {"gmflow": module.halved})
    state = {"a": torch.tensor([1.0, 0.5]), "n": torch.tensor(3)}
    monkeypatch.setattr(module, "VALUES", {"gmflow": module.values_digest(module.halved(state))})
    torch.save(state, tmp_path / "gmflow.original")
    module.convert(tmp_path)
    saved = torch.load(tmp_path / data.WEIGHTS["gmflow"], weights_only=True)
    assert saved["a"].dtype == torch.float16 and left_in(tmp_path) == [data.WEIGHTS["gmflow"]]
    torch.save(state | {"a": torch.tensor([1.0, 0.25])}, tmp_path / "gmflow.original")
    with pytest.raises(WrongBytes, match="not those that were seen"):
        module.convert(tmp_path)


def test_published_weights_have_the_values_in_the_script(shared_data):
    import torch

    module = script("weights")
    for name, digest in module.VALUES.items():
        path = Path(shared_data / "weights" / data.WEIGHTS[name])
        if not path.is_file():
            pytest.skip("no weights")
        assert module.values_digest(torch.load(path, map_location="cpu", weights_only=True)) == digest
