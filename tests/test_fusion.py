"""Learned fusion methods: against their authors' own outputs where those are at hand, by their properties elsewhere."""

import pytest
import torch
import torch.nn.functional as F

from mmlib import data
from mmlib.fusion import METHODS, RULES, fuse, fuse_set, load, lrrnet, methods
from mmlib.images import luma, luma8, read_image, read_luma, to_uint8, write_image

PAIRS = ("FLIR_00006", "FLIR_05573")
REFERENCES = ("reconet", "lrrnet", "tardal", "seafusion", "densefuse", "ifcnn")


@pytest.fixture
def random_networks(monkeypatch):
    """Every method with random weights, so that no file is needed."""

    def network(method, device):
        torch.manual_seed(0)
        net = METHODS[method].network().eval().requires_grad_(False)
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # statistics that do something
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
        return net.to(device)

    monkeypatch.setattr(methods, "_loaded", network)


def pair(count=2, size=(21, 30), seed=0):
    dice = torch.Generator().manual_seed(seed)
    rgb = torch.rand(count, 3, *size, generator=dice)
    ir = torch.rand(count, 1, *size, generator=dice)
    return F.avg_pool2d(rgb, 3, 1, 1), F.avg_pool2d(ir, 3, 1, 1)


def folders_of(tmp_path, pairs):
    """Pairs (1, C, H, W) as pictures in two folders, and the set that they are."""
    for name in ("vi", "ir"):
        (tmp_path / name).mkdir()
    for i, (rgb, ir) in enumerate(pairs):
        write_image(tmp_path / "vi" / f"{i}.png", rgb[0])
        write_image(tmp_path / "ir" / f"{i}.png", ir[0])
    return data.own_images("mine", tmp_path, rgb="vi", ir="ir")


def need_weights(shared_data):
    if not (shared_data / "weights" / "fusion").is_dir() or not (shared_data / "roadscene").is_dir():
        pytest.skip("no fusion weights, or no RoadScene: python data_scripts/obtain.py weights, roadscene.py")


@pytest.mark.parametrize("method", REFERENCES)
def test_equals_the_pictures_of_the_released_code_to_one_grey_level(method, shared_data, golden, monkeypatch):
    need_weights(shared_data)
    if not (golden / "rivals").is_dir():
        pytest.skip("no reference pictures of the released code")
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    for name in PAIRS:
        vis = read_luma(shared_data / "roadscene" / "vi" / f"{name}.jpg")[None]
        ir = read_luma(shared_data / "roadscene" / "ir" / f"{name}.jpg")[None]
        fused = to_uint8(fuse(vis, ir, method, released=True))[0].int()
        expected = to_uint8(read_image(golden / "rivals" / method / f"{name}.png", None)).int()
        assert (fused - expected).abs().max() <= 1
        assert (fused != expected).float().mean() < 0.001


@pytest.mark.parametrize("method", METHODS)
def test_the_authors_files_fit_and_give_a_picture(method, shared_data, monkeypatch):
    need_weights(shared_data)
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    network = load(method)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    rgb, ir = pair(1)
    fused = fuse(rgb, ir, method)
    assert fused.shape == ir.shape and fused.std() > 0.01


@pytest.mark.parametrize("method", [*METHODS, *RULES])
def test_any_size_and_every_picture_by_itself(method, random_networks):
    for size in ((21, 30), (16, 17), (2, 3)):
        rgb, ir = pair(3, size)
        fused = fuse(rgb, ir, method)
        assert fused.shape == ir.shape and fused.dtype == torch.float32
        assert fused.min() >= 0 and fused.max() <= 1
        for i in range(3):
            assert torch.allclose(fused[i : i + 1], fuse(rgb[i : i + 1], ir[i : i + 1], method), atol=1e-4)


@pytest.mark.parametrize("method", [*METHODS, *RULES])
def test_both_sources_count(method, random_networks):
    rgb, ir = pair(1)
    fused = fuse(rgb, ir, method)
    assert not torch.equal(fused, fuse(rgb.flip(-1), ir, method))
    assert not torch.equal(fused, fuse(rgb, ir.flip(-1), method))


@pytest.mark.parametrize("method", [*METHODS, *RULES])
def test_released_pictures_hold_grey_levels_near_the_exact_values(method, random_networks):
    rgb, ir = (to_uint8(image) / 255 for image in pair(1))
    vis = luma8(rgb) / 255
    eight_bit = 255 * fuse(vis, ir, method, released=True)
    exact = 255 * fuse(vis, ir, method)
    assert torch.allclose(eight_bit, eight_bit.round(), atol=1e-4)
    difference = eight_bit - exact
    if method in RULES or METHODS[method].rounds:
        assert difference.abs().max() <= 0.501
    elif method != "ifcnn":  # its three channels are cut off first, their luma is rounded
        assert difference.min() > -1.001 and difference.max() < 0.001


def test_sources_are_read_as_the_release_reads_them(random_networks):
    rgb, ir = pair(1)
    rgb8, ir8 = to_uint8(rgb) / 255, to_uint8(ir) / 255
    for method, vis in (("reconet", luma8(rgb) / 255), ("seafusion", luma(rgb8)), ("didfuse", luma(rgb8))):
        network = methods._loaded(method, "cpu")
        expected = 255 * network(vis, ir8).clamp(0, 1)
        expected = expected.round() if method == "reconet" else expected.floor()
        assert torch.allclose(255 * fuse(rgb, ir, method, released=True), expected, atol=1e-4)


def test_colour_keeps_the_chroma_and_takes_the_fused_luma(random_networks):
    rgb, ir = pair(1)
    coloured = fuse(rgb, ir, "average", colour=True)
    assert coloured.shape == rgb.shape
    assert torch.allclose(luma(coloured), fuse(rgb, ir, "average"), atol=0.002)
    assert torch.allclose(coloured - luma(coloured), rgb - luma(rgb), atol=0.003)


def test_the_quick_form_of_lrrnet_equals_the_naive_one(monkeypatch):
    torch.manual_seed(0)
    network = lrrnet.LRRNet(channels=16).double().requires_grad_(False)
    for part in (network.decompose_ir, network.decompose_vis):
        part.threshold.copy_(torch.linspace(-0.05, 0.3, 16))  # a few are negative in the released file, too
        part.keep.fill_(0.7)
    vis, ir = (image.double() for image in (luma(pair()[0]), pair()[1]))
    network.quick = False
    expected = network(vis, ir)
    network.quick = True
    for chunk in (7, 64, 1024):
        monkeypatch.setattr(lrrnet, "CHUNK", chunk)
        with torch.no_grad():
            assert torch.allclose(network(vis, ir), expected, atol=1e-9)
    assert network(vis, ir).shape == expected.shape  # with gradients: the naive form, which has them


def test_shrinking_by_hand():
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
    assert lrrnet.shrink(x, torch.tensor(1.0)).tolist() == [-1, 0, 0, 0, 1]
    assert lrrnet.shrink(x, torch.tensor(-1.0)).tolist() == [-3, -1.5, 0, 1.5, 3]


@pytest.mark.parametrize(
    ("rgb", "ir", "words"),
    [
        (torch.rand(3, 8, 8), torch.rand(1, 1, 8, 8), r"rgb\[None\]"),
        (torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8), "ir: expected 1 channel"),
        (torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 9), "one batch and size"),
        (torch.rand(2, 3, 8, 8), torch.rand(1, 1, 8, 8), "one batch and size"),
        (torch.rand(1, 3, 1, 8), torch.rand(1, 1, 1, 8), "2x2"),
        (torch.rand(1, 3, 8, 8) * 255, torch.rand(1, 1, 8, 8), "divide"),
        (torch.rand(1, 3, 8, 8), torch.full((1, 1, 8, 8), torch.nan), "NaN"),
    ],
)
def test_wrong_images_are_refused(rgb, ir, words):
    with pytest.raises(ValueError, match=words):
        fuse(rgb, ir, "average")


def test_wrong_requests_are_refused(monkeypatch):
    rgb, ir = pair(1)
    with pytest.raises(ValueError, match="lrrnett.*reconet.*maximum"):
        fuse(rgb, ir, "lrrnett")
    with pytest.raises(ValueError, match="average.*reconet"):
        load("average")
    with pytest.raises(ValueError, match="grey image"):
        fuse(luma(rgb), ir, "average", colour=True)
    monkeypatch.setattr(methods, "check_image", lambda image, **_: image)
    with pytest.raises(ValueError, match="one device"):
        fuse(rgb, ir.to("meta"), "average")


def test_half_precision_and_autocast_are_taken_to_float32(random_networks):
    rgb, ir = pair(1)
    expected = fuse(rgb, ir, "tardal")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(fuse(rgb, ir, "tardal"), expected)
    assert (fuse(rgb.half(), ir.half(), "tardal") - expected).abs().max() < 0.01


def test_missing_and_damaged_weights_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    methods._loaded.cache_clear()
    rgb, ir = pair(1)
    with pytest.raises(data.DataMissing, match="python data_scripts/obtain.py weights"):
        fuse(rgb, ir, "reconet")
    (tmp_path / "weights" / "fusion").mkdir(parents=True)
    (tmp_path / "weights" / "fusion" / "reconet.pth").write_bytes(b"something else")
    with pytest.raises(ValueError, match="another release.*python data_scripts/obtain.py weights"):
        fuse(rgb, ir, "reconet")


def test_weights_of_another_shape_are_refused(monkeypatch):
    monkeypatch.setattr(methods, "weights", lambda name: {"att_a_conv.weight": torch.zeros(1, 2, 3, 3)})
    with pytest.raises(RuntimeError, match="Missing key"):
        load("reconet")


def test_a_folder_is_fused_picture_by_picture(tmp_path, random_networks, capsys):
    pairs = folders_of(tmp_path, [pair(1, (12, 16), seed=0), pair(1, (9, 14), seed=1)])
    written = fuse_set(pairs, tmp_path / "out", "seafusion")
    assert [path.name for path in written] == ["0.png", "1.png"] and "2/2" in capsys.readouterr().err
    sample = pairs["1"]
    expected = fuse(sample["rgb"][None], sample["ir"][None], "seafusion", released=True)[0]
    assert torch.equal(read_image(written[1], None), expected)
    assert read_image(fuse_set(pairs, tmp_path / "out", "average", colour=True)[0], None).shape[0] == 3
    with pytest.raises(ValueError, match="expected the fields rgb and ir, got rgb"):
        fuse_set(pairs.select("rgb"), tmp_path / "out")


def test_measuring_a_set(tmp_path, random_networks):
    from mmlib.fusion.measure import measure, scores
    from mmlib.metrics import fusion as metrics
    from mmlib.metrics.fusion import evaluate

    pairs = folders_of(tmp_path, [pair(1, (48, 64), seed=0), pair(1, (48, 64), seed=1)])
    values = measure(pairs, "seafusion")
    assert values["names"] == ["0", "1"] and values["time"]["sum_s"] > 0
    vis = torch.stack([luma8(pairs[i]["rgb"]) / 255 for i in range(2)])
    ir = torch.stack([pairs[i]["ir"] for i in range(2)])
    expected = evaluate(fuse(vis, ir, "seafusion", released=True), vis, ir, convention="tsjnet")
    six_digits = 5e-6  # a record keeps six digits of a value
    under_tsjnet = scores(values["pictures"], "tsjnet")
    for metric, value in expected.items():
        assert under_tsjnet[metric] == pytest.approx(value.tolist(), rel=six_digits)
        assert values["test"][metric] == pytest.approx(value.mean().item(), rel=six_digits)
    assert len(values["pictures"]["vif, dominant"][0]) == 2, "VIF is kept against each source"
    fused = fuse(vis, ir, "seafusion", released=True)
    swapped = (metrics.vif(vis, fused, fused) + metrics.vif(ir, fused, fused)) / 4  # each call adds one value twice
    assert values["test"]["vif_reversed"] == pytest.approx(swapped.mean().item(), rel=six_digits)
    assert values["test"]["vif_reversed"] != pytest.approx(values["test"]["vif"], rel=1e-2)


def test_every_convention_is_measured_as_evaluate_does(tmp_path, random_networks):
    from mmlib.fusion.measure import column, measure, scores
    from mmlib.metrics.fusion import CONVENTIONS, evaluate

    rgb, ir = pair(1, (176, 184))  # MS-SSIM needs 161 pixels
    values = measure(folders_of(tmp_path, [(rgb, ir)]), "average")
    vis = luma8(rgb) / 255
    fused = fuse(vis, ir, "average", released=True)
    for convention in CONVENTIONS:
        expected = evaluate(fused, vis, ir, convention=convention)
        found = scores(values["pictures"], convention)
        assert found.keys() == expected.keys()
        for metric, value in expected.items():
            assert found[metric] == pytest.approx(value.tolist(), rel=5e-6), (convention, metric)
    assert column("tang", "en") == column("dominant", "en"), "computed alike, kept once"
    assert column("tang", "ssim") != column("dominant", "ssim"), "computed otherwise, kept apart"


def test_a_picture_too_small_for_a_metric_has_none(tmp_path, random_networks):
    from mmlib.fusion.measure import measure, scores

    pairs = folders_of(tmp_path, [pair(1, (48, 64))])
    with pytest.warns(UserWarning, match="ms_ssim is left out"):
        values = measure(pairs, "average")
    assert scores(values["pictures"], "dominant")["ms_ssim"] == [None]
