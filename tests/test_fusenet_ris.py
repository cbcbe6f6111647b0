"""FuseNet-RIS: counted, read word by word the slow way, and asked what it must not depend on."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

import mmlib
from mmlib.models.fusenet_ris import (
    LONGEST,
    STREET,
    VGG16,
    Deaf,
    Localization,
    MaskModule,
    Nowhere,
    Reader,
    SegNet,
    SegNetEncoder,
    against,
    coordinates,
    fusenet_ris,
    phrases,
    two_losses,
    waves,
)
from mmlib.scenes import scene, split_seeds
from mmlib.text import GLOVE_FILE, tokenize

ROOT = Path(mmlib.__file__).parents[1]
THIN = {"widths": ((8,), (12,), (16,)), "fold": 2, "d": 16, "hidden": 6, "heads": 2, "feed": 16, "layers": 1}
THIN |= {"middle": 8, "rates": (1, 2)}


def thin(**changes):
    """A tiny network with settled batch norms, in eval mode."""
    torch.manual_seed(0)
    net = fusenet_ris(torch.randn(len(STREET), 10), **THIN | changes)
    for _ in range(3):
        net(torch.rand(4, changes.get("channels", 3), 48, 64), *phrases(["the road", "the car"] * 2), torch.arange(4))
    return net.eval()


def weights(module):
    """How many numbers a module learns."""
    return sum(p.numel() for p in module.parameters())


def test_the_full_size_counts_what_the_sheet_counts():
    with torch.device("meta"):
        net = fusenet_ris(torch.empty(0, 300))
        small, segnet = Reader(torch.empty(0, 100)), SegNet(19)
    parts = {name: weights(part) for name, part in net.named_children()}
    assert parts["reader"] == 1_142_784 and weights(small) == 733_184
    assert parts["encoder"] == 14_723_136
    assert parts["fusion"] == 2_242_048
    assert parts["localization"] == 14_712_832 + 262_656, "transformer and the query's projection"
    assert weights(net) == 37_153_025
    # The sheet's 29,453,971 has no norm after the last scores either.
    assert weights(segnet) == 29_453_971


def test_shapes_at_full_size():
    with torch.device("meta"):
        net, image = fusenet_ris(torch.empty(60, 300)).eval(), torch.empty(1, 3, 512, 1024)
        maps, _ = net.encoder(image)
        seen = net.encode(image)
        logits, response = net.find(seen, torch.empty(1, 512), torch.zeros(1, dtype=torch.int64))
    assert [tuple(m.shape[1:]) for m in maps[-3:]] == [(256, 64, 128), (512, 32, 64), (512, 16, 32)]
    assert logits.shape == (1, 1, 128, 256) and response.shape == (1, 1, 32, 64)


def slow_reader(reader, tokens):
    """Equations 1 to 4 for one phrase, one word at a time, with PyTorch's LSTM cell."""
    x, hidden, walks = reader.vectors(tokens), reader.lstm.hidden_size, []
    for suffix in ("", "_reverse"):
        cell = nn.LSTMCell(x.shape[1], hidden)
        cell.load_state_dict({k: getattr(reader.lstm, f"{k}_l0{suffix}") for k in cell.state_dict()})
        state, out = (torch.zeros(1, hidden), torch.zeros(1, hidden)), []
        for word in x if not suffix else x.flip(0):
            state = cell(word[None], state)
            out.append(state[0][0])
        walks.append(torch.stack(out if not suffix else out[::-1]))
    h = torch.cat(walks, dim=1)
    return h, h.mean(dim=0)


def test_reader_is_equations_1_to_4_and_never_reads_padding():
    torch.manual_seed(1)
    reader = Reader(torch.randn(len(STREET), 7), hidden=5)
    texts = ["the road", "the person that moves left", "all people"]
    tokens, words = phrases(texts)
    h, sentence = reader(tokens, words)
    for k, text in enumerate(texts):
        n = len(tokenize(text))
        slow, mean = slow_reader(reader, tokens[k, :n])
        torch.testing.assert_close(h[k, :n], slow)
        torch.testing.assert_close(sentence[k], mean)
        assert not h[k, n:].any()
    torch.testing.assert_close(reader(tokens[:1, :2], words[:1, :2])[1], sentence[:1])


def test_word_order_matters():
    reader = Reader(torch.randn(len(STREET), 7), hidden=5)
    _, sentence = reader(*phrases(["the car on the left", "the left on the car"]))
    assert not torch.allclose(sentence[0], sentence[1], atol=1e-4)


def test_phrases_are_refused_with_a_reason():
    for text, reason in (("...", "at least one word"), ("the car " * 11, "at most 20 words"), ("a car", "'a' in")):
        with pytest.raises(ValueError, match=reason):
            phrases([text])
    tokens, words = phrases(["the turquoise car"], unknown="unk")
    assert tokens[0, :4].tolist()[1] == 1 and words.sum() == 3 and tokens.shape == (1, LONGEST)


@torch.no_grad()
def test_nonsense_is_answered_like_anything_else():
    net = thin()
    odd = ["the red blue car", "left right", "the the the", "the turquoise zebra"]
    tokens, words = phrases(odd, unknown="unk")
    logits, response = net(torch.rand(1, 3, 48, 64), tokens, words, torch.zeros(4, dtype=torch.int64))
    assert logits.isfinite().all() and response.isfinite().all() and logits.shape == (4, 1, 24, 32)


def test_every_phrase_of_ministreet_can_be_read():
    told = set()
    for split in ("train", "test"):
        for number in split_seeds(split, 24):
            told |= {e.text for e in scene(number, size=(96, 128), fields=("expressions",))["expressions"]}
    tokens, _ = phrases(sorted(told))
    assert len(told) > 40 and not (tokens == STREET.ids["<unk>"]).any()


def test_coordinates_of_two_cells():
    left, right = coordinates(1, 2)[:, 0].T
    torch.testing.assert_close(left, torch.tensor([-1.0, -1.0, 0.0, 1.0, -0.5, 0.0, 0.5, 1.0]))
    torch.testing.assert_close(right, torch.tensor([0.0, -1.0, 1.0, 1.0, 0.5, 0.0, 0.5, 1.0]))
    assert coordinates(3, 5).shape == (8, 3, 5)


def test_waves_by_the_formula():
    d, height, width = 8, 3, 4
    made = waves(d, height, width).view(height, width, d)
    for y in range(height):
        for x in range(width):
            want = []
            for place in (y, x):
                angles = [place / 1e4 ** (2 * k / (d // 2)) for k in range(d // 4)]
                want += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
            torch.testing.assert_close(made[y, x], torch.tensor(want))
    assert len(torch.unique(waves(32, 24, 32), dim=0)) == 24 * 32, "each place has its own numbers"


@torch.no_grad()
def test_asking_together_or_one_by_one_is_the_same():
    net, image = thin(), torch.rand(2, 3, 48, 64)
    tokens, words = phrases(["the road", "the nearest car", "all people"])
    owner = torch.tensor([1, 0, 1])
    together, there = net(image, tokens, words, owner)
    for k in range(3):
        one, place = net(image[owner[k]][None], tokens[k : k + 1], words[k : k + 1], torch.tensor([0]))
        torch.testing.assert_close(one[0], together[k], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(place[0], there[k], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_what_the_parts_listen_to():
    net, image = thin(), torch.rand(1, 3, 48, 64)
    tokens, words = phrases(["the road", "the nearest car"])
    owner = torch.zeros(2, dtype=torch.int64)
    heard, _ = net(image, tokens, words, owner)
    assert not torch.allclose(heard[0], heard[1], atol=1e-4)
    net.reader = Deaf(12)
    deaf, _ = net(image, tokens, words, owner)
    assert torch.equal(deaf[0], deaf[1])
    net.localization = Nowhere()
    assert not net(image, tokens, words, owner)[1].any()


@torch.no_grad()
def test_the_response_is_a_scaled_dot_product_with_every_place():
    torch.manual_seed(0)
    module = Localization(sentence=6, d=8, heads=2, feed=8, layers=1).eval()
    module.encoder, module.decoder = nn.ModuleList(), nn.ModuleList()  # what remains: E = F_m + waves, z = W q
    fused, sentence = torch.randn(2, 8, 3, 4), torch.randn(2, 6)
    response, z, place = module(fused, sentence), module.query(sentence), waves(8, 3, 4).view(3, 4, 8)
    want = sum((fused[1, :, 2, 3] + place[2, 3]) * z[1]) / math.sqrt(8)
    torch.testing.assert_close(response[1, 0, 2, 3], want)


def test_segnet_puts_maxima_back_where_they_were():
    torch.manual_seed(0)
    encoder = SegNetEncoder(3, ((4,),)).eval()
    image = torch.rand(1, 3, 8, 8)
    (pooled,), (where,) = encoder(image)
    before = encoder.stages[0](image)
    back = nn.functional.max_unpool2d(pooled, where, 2)
    kept = back > 0
    torch.testing.assert_close(back[kept], before[kept])
    assert (nn.functional.max_pool2d(back, 2) == pooled).all()
    assert SegNet(5, widths=VGG16[:2])(torch.rand(2, 3, 16, 16)).shape == (2, 5, 16, 16)


def test_losses_by_hand():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :1] = 1  # a quarter is meant
    log2 = math.log(2)
    assert against(torch.zeros(1, 1, 4, 4), mask).item() == pytest.approx(log2 * (3 * 0.25 + 0.75))
    assert against(torch.zeros(1, 1, 2, 2), mask, meant=1.0).item() == pytest.approx(log2)
    known = torch.zeros(1, 1, 4, 4)
    known[..., :2] = 1  # of what is known, a half is meant
    assert against(torch.zeros(1, 1, 4, 4), mask, known).item() == pytest.approx(log2 * (3 * 0.5 + 0.5))
    assert against(torch.zeros(1, 1, 2, 2), mask, known, meant=1.0).item() == pytest.approx(log2)
    assert against(torch.zeros(1, 1, 4, 4), mask, 0 * mask).item() == 0, "nothing is known, nothing is wrong"
    terms = two_losses(torch.full((1, 1, 4, 4), -60.0), torch.zeros(1, 1, 2, 2), 0 * mask)
    assert terms["mask"].item() == pytest.approx(0) and terms["response"].item() == pytest.approx(0.1 * log2)


def test_at_first_hardly_a_pixel_is_meant():
    module = MaskModule(8, 8, rates=(1,)).eval()
    logits = module(torch.randn(2, 8, 4, 4), torch.zeros(2, 1, 4, 4))
    assert logits.shape == (2, 1, 16, 16) and logits.sigmoid().mean() < 0.1


def chapter(*starts):
    """The chapter's cells that begin so, executed together."""
    cells = nbformat.read(ROOT / "nbs" / "09_fusenet_ris.ipynb", as_version=4).cells
    names = {"tokenize": tokenize, "torch": torch, "nn": nn}
    for start in starts:
        exec(next(c.source for c in cells if c.cell_type == "code" and c.source.startswith(start)), names)  # noqa: S102
    return names


def test_held_out_combinations_are_those_and_no_others():
    held_out = chapter("HELD_OUT", "def held_out")["held_out"]
    for text in ("the red car", "the person in blue", "the rider on the left", "the rider that moves left"):
        assert held_out(text)
    for text in ("the red bus", "the blue car", "the person in red", "the car on the left", "all cars"):
        assert not held_out(text)


PROGRAM = """
import sys, torch
from mmlib.models.fusenet_ris import STREET, fusenet_ris, phrases, two_losses
from mmlib.train import Batches, train, world

torch.manual_seed(0)
thin = {"widths": ((8,), (8,), (8,)), "fold": 2, "d": 8, "hidden": 4, "heads": 2, "feed": 8, "layers": 1}
net = fusenet_ris(torch.randn(len(STREET), 8), **thin, middle=8, rates=(1,))
tokens, words = phrases(["the road", "all cars"] * 4)
masks = torch.rand(8, 1, 48, 64).round()
streets = {"view": torch.rand(8, 3, 48, 64), "tokens": tokens, "words": words, "masks": masks}


def step(batch):
    owner = torch.arange(len(batch["view"]))
    return two_losses(*net(batch["view"], batch["tokens"], batch["words"], owner), batch["masks"])


log = train(step, net, Batches(streets, 4), steps=3, device="cpu")
here = world("cpu")
mine = torch.cat([p.detach().flatten() for p in net.parameters()])
same = bool(torch.allclose(here.mean(mine.clone()), mine))
print(f"rank {here.rank} of {here.size}: same weights {same}", flush=True)
print(f"loss finite {all(map(torch.isfinite, torch.tensor(log.loss)))}", flush=True)
"""


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    how = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "program.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MMLIB_STATIC": "1"}
    done = subprocess.run(how, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("of 2: same weights True") == 2 and "loss finite True" in done.stdout


@pytest.mark.slow
def test_gta5_to_cityscapes_in_their_own_layouts(tmp_path, monkeypatch):
    """The paper's track on tiny trees: from files in the documented layouts to a record that its table can be read
    from."""
    from paper_trees import cityscapes, gta5

    from mmlib.notebooks import execute, find
    from mmlib.results.night import without_looks

    frames = [f"{number:05d}" for number in range(1, 7)]
    base = gta5(tmp_path, frames)
    for split, chosen in (("train", frames[:4]), ("val", frames[4:])):
        (base / f"{split}.txt").write_text("\n".join(chosen) + "\n")
    for split, city in (("train", "aachen"), ("val", "munster")):
        cityscapes(tmp_path, [f"{city}_00000{k}_000019" for k in range(4)], split)
    words = np.array(["road", "traffic", "light", "the"])
    (tmp_path / "glove").mkdir()
    np.savez(tmp_path / "glove" / GLOVE_FILE, words=words, vectors=np.eye(4, 100, dtype=np.float16))
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    slim = without_looks(find("09"), tmp_path / "09.ipynb")
    asked = {"data": "gta5_cityscapes", "out": str(tmp_path / "out"), "variant": "pseudo_labels"}
    execute(slim, tmp_path / "done.ipynb", preset="smoke", parameters=asked)
    record = json.loads((tmp_path / "out/fusenet_ris/pseudo_labels-gta5_cityscapes-smoke-0.json").read_text())
    values = record["values"]
    assert values["test"]["split"] == "val" and 0 <= values["test"]["miou"] <= 1
    assert {"traffic_light", "bus", "bicycle", "traffic_sign"} <= set(values["test"]["iou"])
    assert values["time"]["prompts"] == 19 and record["training"]["steps"] == 16


@pytest.mark.slow
def test_camvids_sentences_from_files_to_a_record(tmp_path, monkeypatch):
    """Referring mode on a made-up CamVid: sentences by rule, GloVe's layout, scores by rule."""
    from data_trees import camvid

    from mmlib.notebooks import execute, find
    from mmlib.results.night import without_looks

    base = camvid(tmp_path)
    (base / "day2dusk/target_dusk_test.txt").write_text("test/x_1\n")
    frames = {"train": ("0006R0_1", "0001TP_1"), "val": ("0016E5_1", "0016E5_2"), "test": ("x_1",)}
    rules = {"all the cars": "all", "the leftmost car": "leftmost", "the largest car": "largest"}
    rows = [
        {"split": split, "image": name, "text": text, "cls": 8, "rule": rule}
        for split, names in frames.items()
        for name in names
        for text, rule in rules.items()
    ]
    (base / "referring_templates.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "glove").mkdir()
    words, vectors = np.array(["the", "car"]), np.eye(2, 100, dtype=np.float16)
    np.savez(tmp_path / "glove" / GLOVE_FILE, words=words, vectors=vectors)
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    slim = without_looks(find("09"), tmp_path / "09.ipynb")
    asked = {"data": "camvid", "out": str(tmp_path / "out")}
    execute(slim, tmp_path / "done.ipynb", preset="smoke", parameters=asked)
    (path,) = (tmp_path / "out/fusenet_ris").glob("fusenet_ris-camvid*-smoke-0.json")
    values = json.loads(path.read_text())["values"]
    assert values["test"]["phrases"] == 3 and set(values["kinds"]) == {"all", "leftmost", "largest"}
    assert values["test"]["right"] is None, "which of several things is meant is MiniStreet's question"
