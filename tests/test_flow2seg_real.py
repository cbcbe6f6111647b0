"""Chapter 6 on real pictures: kept features are the backbone's, flow counts alike at all sizes, no film left out."""

import pytest
import torch

from mmlib.backbones.mobilenet import MIDDLE, MobileNetV2
from mmlib.data import available, load
from mmlib.data.camvid import CLASSES as CAMVID
from mmlib.models.flow2seg import CAMVID_TWINS, Kept, PSPNet, observe, renamed
from mmlib.notebooks import execute
from mmlib.results import Record, load_record
from mmlib.results.night import without_looks
from mmlib.scenes import CLASSES


def test_every_twin_exists_and_is_one_classs_only():
    assert set(CAMVID_TWINS) <= set(CLASSES) and set(CAMVID_TWINS.values()) <= set(CAMVID)
    assert len(set(CAMVID_TWINS.values())) == len(CAMVID_TWINS)
    assert set(CLASSES) - set(CAMVID_TWINS) == {"wall"} and set(CAMVID) - set(CAMVID_TWINS.values()) == {"pole"}


def test_labels_are_translated_by_name():
    theirs = torch.tensor([[CAMVID.index(c) for c in ("sky", "pole", "bicyclist")] + [255]])
    want = [[CLASSES.index("sky"), 255, CLASSES.index("rider"), 255]]
    assert renamed(theirs, CAMVID, CLASSES).tolist() == want


@pytest.fixture
def eye() -> MobileNetV2:
    torch.manual_seed(0)
    return MobileNetV2(8, MIDDLE).eval()


@torch.no_grad()
def test_a_net_on_kept_features_answers_as_with_its_backbone(eye):
    torch.manual_seed(1)
    rgb = torch.rand(2, 3, 48, 64)
    whole = PSPNet(eye, 3, 8, 8).eval()
    on_kept = PSPNet(Kept(eye.channels), 3, 8, 8).eval()
    on_kept.load_state_dict({k: v for k, v in whole.state_dict().items() if not k.startswith("backbone.")})
    seen = observe(eye, rgb, rgb, (48, 64))
    for name, want in whole.scores(rgb).items():
        torch.testing.assert_close(on_kept.scores(seen["rgb"])[name], want, rtol=2e-2, atol=2e-3)


def test_motion_counts_pixels_of_a_picture_2048_wide_whatever_the_size(eye):
    """A picture 128 wide that moves by 4 pixels moves by 64 of 2048, which is 3.2 times 20."""
    torch.manual_seed(0)
    wide = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 34), scale_factor=4.0, mode="bicubic").clamp(0, 1)
    frame, moved = wide[..., 4:132], wide[..., :128]
    for size in ((48, 64), (96, 128)):
        motion = observe(eye, frame, moved, size)["motion"]
        assert motion.shape[-2:] == (size[0] // 2, size[1] // 2)
        assert motion[0, 0].median() == pytest.approx(3.2, abs=0.1) and abs(motion[0, 1].median()) < 0.1


def run_chapter(root, tmp_path, data, variant) -> Record:
    """The record of a run of the chapter at smoke, without the cells that only show."""
    slim = without_looks(root / "nbs" / "06_flow2seg.ipynb", tmp_path / "slim.ipynb")
    parameters = {"data": data, "variant": variant, "pretrained": False, "out": str(tmp_path / "out")}
    execute(slim, tmp_path / "done.ipynb", preset="smoke", parameters=parameters)
    (path,) = (tmp_path / "out" / "flow2seg").glob("*.json")
    return load_record(path)


def needs(name, shared_data, monkeypatch):
    """Skip where a data set or the backbone's weights are not at hand."""
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    if not available(name) or not (shared_data / "weights").is_dir():
        pytest.skip(f"no {name}, or no weights: python data_scripts/obtain.py {name.partition('_')[0]}, and weights")


@pytest.mark.slow
def test_tested_films_of_davis_are_tested_once_and_chose_nothing(root, tmp_path, shared_data, monkeypatch):
    needs("davis", shared_data, monkeypatch)
    record = run_chapter(root, tmp_path, "davis", "residual_dis")
    test = record.values["test"]
    films = sorted({name.partition("/")[0] for name in load("davis").names})
    split = record.values["split"]
    tested = sorted(film for fold in split["tested"] for film in fold)
    assert sorted(tested + split["tuning"]) == films and (len(tested), len(split["tuning"])) == (12, 8)
    assert sorted(test["films"]["j"]) == sorted(test["films"]["f"]) == tested and test["frames"] == len(tested)
    assert test["j"] == pytest.approx(sum(test["films"]["j"].values()) / len(tested))
    assert all(0 <= value <= 1 for one in test["films"].values() for value in one.values())
    assert list(test["paths"]) == ["fused", "image", "auxiliary", "flow"]
    assert (record.data, record.variant) == ("davis-240p-jpeg88", "residual_dis")


@pytest.mark.slow
def test_the_clip_is_one_drive(root, tmp_path, shared_data, monkeypatch):
    needs("camvid_video", shared_data, monkeypatch)
    record = run_chapter(root, tmp_path, "camvid", "pspnet")
    test = record.values["test"]
    assert test["drives"] == 1 and 0 <= test["miou"] <= 1 and "wall" not in test["iou"]
    assert record.data == "camvid_video-jpeg92" and record.training.steps == 32
