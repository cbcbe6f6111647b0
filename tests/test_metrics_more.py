"""The metrics of the convention "more" against published values, plain loops and identities; sets of metrics."""

import json
import math

import numpy as np
import pytest
import torch

from mmlib.images import read_image
from mmlib.metrics import fusion
from mmlib.metrics.fusion import CONVENTIONS, METRICS, MORE, Accumulator, evaluate, list_metrics


@pytest.fixture
def images():
    dice = torch.Generator().manual_seed(3)
    a, b = (torch.rand(1, 1, 20, 23, generator=dice) for _ in range(2))
    return [(255 * image).round() / 255 for image in ((a + b) / 2, a, b)]


def grey(image):
    return (255 * image[0, 0].double()).round().numpy()


def test_qncie_is_that_of_lius_toolbox(golden):
    triplets = json.loads((golden / "metrics_public.json").read_text())["triplets"]
    for name, about in triplets.items():
        triplet = [read_image(golden / "public" / name / f"{part}_y.png", 1)[None] for part in ("fused", "vi", "ir")]
        (entry,) = [one for one in about["values"]["QNCIE"] if one["impl"] == "zhengliu_octave"]
        assert float(fusion.qncie(*triplet)) == pytest.approx(entry["value"], rel=1e-12)


def test_q0_qw_and_qy_are_what_loops_over_windows_give(images):
    f, a, b = (grey(image) for image in images)

    def index(x, y, c1=0.0, c2=0.0):
        cov = ((x - x.mean()) * (y - y.mean())).mean()
        top = (2 * x.mean() * y.mean() + c1) * (2 * cov + c2)
        return top / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2))

    def over(size, value):
        rows, columns = (side - size + 1 for side in f.shape)
        cut = [(slice(y, y + size), slice(x, x + size)) for y in range(rows) for x in range(columns)]
        return np.array([value(f[w], a[w], b[w]) for w in cut])

    def piella(f, a, b):
        share = a.var() / (a.var() + b.var())
        return share * index(a, f) + (1 - share) * index(b, f)

    def yang(f, a, b):
        stabilisers = (2.55**2, 7.65**2)
        with_a, with_b = index(a, f, *stabilisers), index(b, f, *stabilisers)
        share = a.var() / (a.var() + b.var())
        if index(a, b, *stabilisers) >= 0.75:
            return share * with_a + (1 - share) * with_b
        return max(with_a, with_b)

    quality, weight = over(8, piella), over(8, lambda f, a, b: max(a.var(), b.var()))
    assert float(fusion.q0(*images)) == pytest.approx(quality.mean(), rel=1e-9)
    assert float(fusion.qw(*images)) == pytest.approx((quality * weight).sum() / weight.sum(), rel=1e-9)
    assert float(fusion.qy(*images)) == pytest.approx(over(7, yang).mean(), rel=1e-9)
    near = [images[0], images[1], (images[1] + 3 / 255).clamp(0, 1)]
    f, a, b = (grey(image) for image in near)
    assert float(fusion.qy(*near)) == pytest.approx(over(7, yang).mean(), rel=1e-9)


def test_fmi_is_what_loops_over_windows_give(images):
    def masses(window):
        above = window - window.min()
        return above / above.sum() if above.sum() else np.full(len(window), 1 / len(window))

    def entropy(p):
        return -sum(x * math.log(x) for x in p.ravel() if x > 0)

    def agreement(a, f):
        p, q = masses(a), masses(f)
        places = np.arange(1, len(p) + 1)
        apart = np.outer(p.cumsum(), q.cumsum())
        c = np.corrcoef(p, q)[0, 1]
        bound = np.minimum.outer(p.cumsum(), q.cumsum())
        if c < 0:
            bound = np.maximum(np.add.outer(p.cumsum(), q.cumsum()) - 1, 0)
        deviation = [math.sqrt((x * places**2).sum() - (x * places).sum() ** 2) for x in (p, q)]
        share = np.clip(c / ((bound - apart).sum() / math.prod(deviation)), 0, 1)
        joint = np.zeros((10, 10))
        joint[1:, 1:] = apart + share * (bound - apart)
        table = joint[1:, 1:] - joint[:-1, 1:] - joint[1:, :-1] + joint[:-1, :-1]
        return 2 * (entropy(p) + entropy(q) - entropy(table.clip(0))) / (entropy(p) + entropy(q))

    f, a, b = (grey(image) for image in images)
    values = []
    for y in range(18):
        for x in range(21):
            window = [one[y : y + 3, x : x + 3].T.ravel() for one in (f, a, b)]
            values.append((agreement(window[1], window[0]) + agreement(window[2], window[0])) / 2)
    assert float(fusion.fmi_pixel(*images)) == pytest.approx(np.mean(values), rel=1e-6)
    assert float(fusion.fmi_gradient(*images)) != pytest.approx(np.mean(values), rel=1e-2)


def test_equal_images_have_the_best_value_and_noise_a_worse_one(images):
    f, a, b = images
    for name in MORE:
        best = float(METRICS[name](a, a, a))
        assert best == pytest.approx(1, abs=1e-9) or name == "qncie"
        assert float(METRICS[name](torch.rand(f.shape), a, a)) < best


def test_phase_congruency_finds_a_faint_edge_as_well_as_a_strong_one():
    from mmlib.metrics.fusion.phase import phase_congruency

    strong = torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    strong[..., 32:] = 200
    for step in (strong, strong / 10):
        congruency, largest, smallest = phase_congruency(step)
        assert congruency[0, 0, 32, 30:34].max() > 0.3 and congruency[0, 0, 32, 14:18].max() < 0.05
        assert largest[0, 0, 32, 32] > smallest[0, 0, 32, 32]


def test_the_default_set_leaves_out_what_an_image_is_too_small_for_and_says_so(images):
    wide = [image.expand(-1, -1, -1, -1).repeat(1, 1, 3, 3) for image in images]  # 60 x 69
    with pytest.warns(UserWarning, match="ms_ssim is left out: ms_ssim needs images of at least 161 x 161"):
        values = evaluate(*wide)
    assert set(values) == set(CONVENTIONS["dominant"]) - {"ms_ssim"}
    with pytest.raises(ValueError, match="at least 161"):
        evaluate(*wide, metrics=["ms_ssim"])


def test_a_choice_of_precision_moves_digits_and_not_more(images):
    names = ["ssim", "sd", "qabf", "mi"]
    exact, quick = (evaluate(*images, metrics=names, dtype=dtype) for dtype in (torch.float64, torch.float32))
    for name in names:
        assert quick[name].dtype in (torch.float32, torch.float64) and exact[name].dtype == torch.float64
        assert float(quick[name]) == pytest.approx(float(exact[name]), rel=1e-4)
    assert float(quick["sd"]) != float(exact["sd"])


def test_a_set_is_accumulated_with_spread_and_what_is_undefined_is_counted(images):
    scores = Accumulator(["cc", "sd"])
    values = []
    for shift in (0.0, 0.1, 0.2):
        batch = [images[0] * (1 - shift), *images[1:]]
        scores.update(*batch)
        values.append(float(evaluate(*batch, metrics=["sd"])["sd"]))
    scores.update(torch.full_like(images[0], 0.5), *images[1:])
    found = scores.compute()
    values.append(0.0)
    assert found["sd"]["mean"] == pytest.approx(np.mean(values)) and found["sd"]["std"] == pytest.approx(
        np.std(values, ddof=1)
    )
    assert found["cc"]["count"] == 3 and found["cc"]["undefined"] == 1 and math.isfinite(found["cc"]["mean"])


def test_metrics_are_listed_with_a_word_about_each():
    assert set(list_metrics()) == set(METRICS) and all(list_metrics().values())
    assert list(list_metrics("vifb")) == list(CONVENTIONS["vifb"])
