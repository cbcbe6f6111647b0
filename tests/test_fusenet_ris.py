"""FuseNet-RIS: counted, read word by word the slow way, and asked what it must not depend on."""

import math

import numpy as np
import pytest
import torch
from as_program import defined, record_of
from forks import in_two
from torch import nn

from mmlib.backbones.mobilenet import MIDDLE, MobileNetV2
from mmlib.book.figures import count
from mmlib.book.figures09 import full_size
from mmlib.models import fusenet_ris as ris
from mmlib.text import GLOVE_FILE, tokenize
from mmlib.train import Batches, train, world

WIDTHS = ((4,), (8,), (12,), (16,))


def thin(gate1=None, gate2=None, **changes):
    """A tiny network with settled batch norms, in eval mode. changes: other parts, by their names."""
    torch.manual_seed(0)
    encoder = ris.SegNetEncoder(WIDTHS)
    parts = {
        "text": ris.TextEncoder(torch.randn(len(ris.STREET), 10), hidden=6),
        "encoder": encoder,
        "fusion": ris.Fusion(encoder.channels, gate1 or ris.NoGate(), gate2 or ris.NoGate(), ris.Gate(12, 16), d=16),
        "localization": ris.Localization(12, 16, heads=2, feed=16, layers=1),
        "mask": ris.MaskModule(16, 8, rates=(1, 2)),
    }
    net = ris.FuseNetRIS(**parts | changes)
    for _ in range(3):
        net(torch.rand(4, 3, 48, 64), *ris.encode(["the road", "the car"] * 2), torch.arange(4))
    return net.eval()


def test_the_full_size_counts_what_the_sheet_counts():
    net = full_size()
    with torch.device("meta"):
        small = ris.TextEncoder(torch.empty(0, 100))
    parts = {name: count(part) for name, part in net.named_children()}
    assert parts["text"] == 1_142_784 and count(small) == 733_184
    assert parts["encoder"] == 14_723_136
    assert parts["fusion"] == 2_242_048
    assert parts["localization"] == 14_712_832 + 262_656, "transformer and the query's projection"
    assert count(net) == 37_153_025


def test_shapes_at_full_size():
    net = full_size(words=60).eval()
    with torch.device("meta"):
        maps = net.encoder(torch.empty(1, 3, 512, 1024))
        prepared = net.fusion.prepare(maps)
        logits, response = net.find(prepared, torch.empty(1, 512), torch.zeros(1, dtype=torch.int64))
    assert [tuple(m.shape[1:]) for m in maps] == [(256, 64, 128), (512, 32, 64), (512, 16, 32)]
    assert logits.shape == (1, 1, 128, 256) and response.shape == (1, 1, 32, 64)


def test_our_maps_are_finer():
    encoder = ris.TopDown(ris.MobileNetEncoder(MobileNetV2(16, MIDDLE)), width=16).eval()
    maps = encoder(torch.rand(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [(16, 16, 24), (32, 8, 12), (96, 4, 6)]
    assert encoder.channels == (16, 32, 96)
    assert not any(p.requires_grad for p in encoder.encoder.stage1.parameters())
    assert all(p.requires_grad for p in encoder.encoder.stage3.parameters())
    assert not encoder.train().encoder.stage1.training and encoder.encoder.stage2.training


def slow_text_encoder(encoder, tokens):
    """Equations 1 to 4 for one phrase, one word at a time, with PyTorch's LSTM cell."""
    x, hidden, walks = encoder.embedding(tokens), encoder.lstm.hidden_size, []
    for suffix in ("", "_reverse"):
        cell = nn.LSTMCell(x.shape[1], hidden)
        cell.load_state_dict({k: getattr(encoder.lstm, f"{k}_l0{suffix}") for k in cell.state_dict()})
        state, out = (torch.zeros(1, hidden), torch.zeros(1, hidden)), []
        for word in x if not suffix else x.flip(0):
            state = cell(word[None], state)
            out.append(state[0][0])
        walks.append(torch.stack(out if not suffix else out[::-1]))
    h = torch.cat(walks, dim=1)
    return h, h.mean(dim=0)


def test_the_text_encoder_is_equations_1_to_4_and_never_reads_padding():
    torch.manual_seed(1)
    encoder = ris.TextEncoder(torch.randn(len(ris.STREET), 7), hidden=5)
    texts = ["the road", "the person that moves left", "all people"]
    tokens, is_word = ris.encode(texts)
    h, sentence = encoder(tokens, is_word)
    for k, text in enumerate(texts):
        n = len(tokenize(text))
        slow, mean = slow_text_encoder(encoder, tokens[k, :n])
        torch.testing.assert_close(h[k, :n], slow)
        torch.testing.assert_close(sentence[k], mean)
        assert not h[k, n:].any()
    torch.testing.assert_close(encoder(tokens[:1, :2], is_word[:1, :2])[1], sentence[:1])


def test_word_order_matters():
    encoder = ris.TextEncoder(torch.randn(len(ris.STREET), 7), hidden=5)
    _, sentence = encoder(*ris.encode(["the car on the left", "the left on the car"]))
    assert not torch.allclose(sentence[0], sentence[1], atol=1e-4)


def test_phrases_are_refused_with_a_reason():
    for text, reason in (("...", "at least one word"), ("the car " * 11, "at most 20 words"), ("a car", "'a' in")):
        with pytest.raises(ValueError, match=reason):
            ris.encode([text])
    tokens, is_word = ris.encode(["the turquoise car"], unknown="unk")
    assert tokens[0, :4].tolist()[1] == 1 and is_word.sum() == 3 and tokens.shape == (1, ris.LONGEST)


@torch.no_grad()
def test_nonsense_is_answered_like_anything_else():
    net = thin()
    odd = ["the red blue car", "left right", "the the the", "the turquoise zebra"]
    tokens, is_word = ris.encode(odd, unknown="unk")
    logits, response = net(torch.rand(1, 3, 48, 64), tokens, is_word, torch.zeros(4, dtype=torch.int64))
    assert logits.isfinite().all() and response.isfinite().all() and logits.shape == (4, 1, 24, 32)


def test_coordinates_of_two_places():
    left, right = ris.coordinates(1, 2)[:, 0].T
    torch.testing.assert_close(left, torch.tensor([-1.0, -1.0, 0.0, 1.0, -0.5, 0.0, 0.5, 1.0]))
    torch.testing.assert_close(right, torch.tensor([0.0, -1.0, 1.0, 1.0, 0.5, 0.0, 0.5, 1.0]))
    assert ris.coordinates(3, 5).shape == (8, 3, 5)


def test_position_encoding_by_the_formula():
    d, height, width = 8, 3, 4
    made = ris.sine_position_encoding(d, height, width).view(height, width, d)
    for y in range(height):
        for x in range(width):
            want = []
            for place in (y, x):
                angles = [place / 1e4 ** (2 * k / (d // 2)) for k in range(d // 4)]
                want += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
            torch.testing.assert_close(made[y, x], torch.tensor(want))
    tags = ris.sine_position_encoding(32, 24, 32)
    assert len(torch.unique(tags, dim=0)) == 24 * 32, "each place has its own numbers"


@torch.no_grad()
def test_asking_together_or_one_by_one_is_the_same():
    net, rgb = thin(ris.OpenGate(12, 16), ris.Gate(12, 16)), torch.rand(2, 3, 48, 64)
    tokens, is_word = ris.encode(["the road", "the nearest car", "all people"])
    owner = torch.tensor([1, 0, 1])
    together, there = net(rgb, tokens, is_word, owner)
    for k in range(3):
        picture = rgb[owner[k]][None]
        one, place = net(picture, tokens[k : k + 1], is_word[k : k + 1], torch.tensor([0]))
        torch.testing.assert_close(one[0], together[k], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(place[0], there[k], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_what_the_parts_listen_to():
    net, rgb = thin(), torch.rand(1, 3, 48, 64)
    tokens, is_word = ris.encode(["the road", "the nearest car"])
    owner = torch.zeros(2, dtype=torch.int64)
    heard, _ = net(rgb, tokens, is_word, owner)
    assert not torch.allclose(heard[0], heard[1], atol=1e-4)
    net.text = ris.Constant(12)
    deaf, _ = net(rgb, tokens, is_word, owner)
    assert torch.equal(deaf[0], deaf[1])
    net.localization = ris.Nowhere()
    assert not net(rgb, tokens, is_word, owner)[1].any()


@torch.no_grad()
def test_open_gates_let_everything_pass_at_first_and_never_change_a_sign():
    sentence = torch.randn(5, 12)
    torch.manual_seed(2)
    gate = ris.OpenGate(12, 16)
    assert torch.equal(gate(sentence), torch.ones(5, 16, 1, 1))
    plain = thin(ris.NoGate(), ris.NoGate()).fusion
    opened = thin(ris.OpenGate(12, 16), ris.OpenGate(12, 16)).fusion
    opened.load_state_dict(plain.state_dict(), strict=False)
    maps = (torch.rand(1, 8, 12, 16), torch.rand(1, 12, 6, 8), torch.rand(1, 16, 3, 4))
    owner = torch.zeros(5, dtype=torch.int64)
    torch.testing.assert_close(
        plain(plain.prepare(maps), sentence, owner), opened(opened.prepare(maps), sentence, owner)
    )
    nn.init.normal_(gate.linear.weight, std=9.0)
    assert 0 <= gate(sentence).min() < 0.1 and 1.9 < gate(sentence).max() <= 2
    assert ris.Gate(12, 16)(sentence).min() < -0.5


@torch.no_grad()
def test_the_response_is_a_scaled_dot_product_with_every_place():
    torch.manual_seed(0)
    module = ris.Localization(sentence=6, d=8, heads=2, feed=8, layers=0, shrink=2).eval()
    fused, sentence = torch.randn(2, 8, 6, 8), torch.randn(2, 6)
    place = ris.sine_position_encoding(8, 3, 4).view(3, 4, 8)
    response, z = module(fused, sentence), module.query(sentence)
    assert response.shape == (2, 1, 3, 4)
    middle = fused[1, :, 4:6, 6:8].mean(dim=(1, 2))
    want = ((middle + place[2, 3]) * z[1]).sum() / math.sqrt(8)
    torch.testing.assert_close(response[1, 0, 2, 3], want)


def test_losses_by_hand():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :1] = 1  # a quarter is meant
    log2 = math.log(2)
    assert ris.masked_bce(torch.zeros(1, 1, 4, 4), mask).item() == pytest.approx(log2 * (3 * 0.25 + 0.75))
    assert ris.masked_bce(torch.zeros(1, 1, 2, 2), mask, positive=1.0).item() == pytest.approx(log2)
    known = torch.zeros(1, 1, 4, 4)
    known[..., :2] = 1  # of what is known, a half is meant
    assert ris.masked_bce(torch.zeros(1, 1, 4, 4), mask, known).item() == pytest.approx(log2 * (3 * 0.5 + 0.5))
    assert ris.masked_bce(torch.zeros(1, 1, 2, 2), mask, known, positive=1.0).item() == pytest.approx(log2)
    assert ris.masked_bce(torch.zeros(1, 1, 4, 4), mask, 0 * mask).item() == 0, "nothing is known, nothing is wrong"
    unknown = torch.ones(1, 1, 4, 4)  # what is meant where nothing is known counts nothing
    hidden = ris.masked_bce(torch.zeros(1, 1, 2, 2), unknown, known, positive=1.0)
    assert hidden.item() == pytest.approx(log2)
    terms = ris.losses(torch.full((1, 1, 4, 4), -60.0), torch.zeros(1, 1, 2, 2), 0 * mask)
    assert terms["mask"].item() == pytest.approx(0) and terms["response"].item() == pytest.approx(0.1 * log2)


def test_at_first_hardly_a_pixel_is_meant():
    module = ris.MaskModule(8, 8, rates=(1,)).eval()
    logits = module(torch.randn(2, 8, 4, 4), torch.zeros(2, 1, 2, 2))
    assert logits.shape == (2, 1, 16, 16) and logits.sigmoid().mean() < 0.1


# ---------------------------------------------------------------------------------------------------------------------
# The notebook's own functions


CHAPTER = defined("09_fusenet_ris", "HELD_OUT", "held_out", "VISIBLE", "choices", "pairs", "which")


def test_held_out_combinations_are_those_and_no_others():
    held_out = CHAPTER["held_out"]
    for text in ("the red car", "the person in blue", "the rider on the left", "the nearest red car on the right"):
        assert held_out(text)
    for text in ("the red bus", "the blue car", "the person in red", "the car on the left", "all cars"):
        assert not held_out(text)


def test_a_pair_is_right_if_both_are_and_a_network_that_does_not_read_gets_none():
    from mmlib.data.phrases import Phrase

    def row(text, kind, meant, right, new=False, street=0):
        phrase = Phrase(text, kind, "car", (meant,), (11, 12, 13))
        return {"phrase": phrase, "right": right, "new": new, "street": street}

    pairs, which = CHAPTER["pairs"], CHAPTER["which"]
    rows = [
        row("the car on the left", "place", 11, 1.0),
        row("the car on the right", "place", 12, 1.0),
        row("the nearest car", "nearness", 11, 1.0),
        row("the farthest car", "nearness", 13, 0.0),
        row("the warmest car", "heat", 11, 1.0),
        row("the coldest car", "heat", 12, 1.0),
        row("the black car", "colour", 11, 1.0),
        row("the white car", "colour", 12, 0.0),
        row("the largest car", "size", 11, 1.0, street=1),
        row("the smallest car", "size", 12, 1.0, street=2),
        row("the red car", "colour", 13, 1.0, new=True),
    ]
    found = pairs(rows)
    assert found["pairs"] == 3 and found["both"] == pytest.approx(1 / 3) and found["luck"] == pytest.approx(1 / 9)
    assert which(rows) == {"phrases": 8, "right": 6 / 8, "luck": pytest.approx(1 / 3)}
    same = [r | {"right": float(r["phrase"].segments == (11,))} for r in rows]  # one answer to everything
    assert pairs(same)["both"] == 0.0
    assert pairs([]) == {"pairs": 0, "both": 0.0, "luck": 0.0}


def test_two_processes_train_one_network(tmp_path):
    def learn(rank):
        torch.manual_seed(0)
        encoder = ris.SegNetEncoder(((4,), (8,), (8,), (8,)))
        net = ris.FuseNetRIS(
            ris.TextEncoder(torch.randn(len(ris.STREET), 8), hidden=4),
            encoder,
            ris.Fusion(encoder.channels, ris.OpenGate(8, 8), ris.OpenGate(8, 8), ris.Gate(8, 8), d=8),
            ris.Localization(8, 8, heads=2, feed=8, layers=1),
            ris.MaskModule(8, 8, rates=(1,)),
        )
        tokens, is_word = ris.encode(["the road", "all cars"] * 4)
        masks = torch.rand(8, 1, 48, 64).round()
        streets = {"rgb": torch.rand(8, 3, 48, 64), "tokens": tokens, "is_word": is_word, "masks": masks}

        def step(batch):
            owner = torch.arange(len(batch["rgb"]))
            return ris.losses(*net(batch["rgb"], batch["tokens"], batch["is_word"], owner), batch["masks"])

        log = train(step, net, Batches(streets, 4), steps=3, device="cpu")
        torch.save({"loss": log.loss, "size": world("cpu").size, "weights": net.state_dict()}, tmp_path / str(rank))

    assert in_two(learn) == [0, 0]
    one, two = (torch.load(tmp_path / name) for name in "01")
    assert one["size"] == 2 and torch.tensor(one["loss"]).isfinite().all()
    for name, value in one["weights"].items():
        if "running" not in name:  # each process keeps the statistics of its own share
            assert torch.allclose(value, two["weights"][name]), name


@pytest.mark.slow
def test_gta5_to_cityscapes_in_their_own_layouts(tmp_path):
    """The paper's track on tiny trees: from files in the documented layouts to a record that its table can be read
    from."""
    from paper_trees import cityscapes, gta5

    frames = [f"{number:05d}" for number in range(1, 7)]
    base = gta5(tmp_path, frames)
    for split, chosen in (("train", frames[:4]), ("val", frames[4:])):
        (base / f"{split}.txt").write_text("\n".join(chosen) + "\n")
    for split, city in (("train", "aachen"), ("val", "munster")):
        cityscapes(tmp_path, [f"{city}_00000{k}_000019" for k in range(4)], split)
    words = np.array(["road", "traffic", "light", "the"])
    (tmp_path / "glove").mkdir()
    np.savez(tmp_path / "glove" / GLOVE_FILE, words=words, vectors=np.eye(4, 100, dtype=np.float16))
    record = record_of(tmp_path, "09", "gta5_cityscapes", variant="pseudo_labels")
    values = record["values"]
    assert values["test"]["split"] == "val" and 0 <= values["test"]["miou"] <= 1
    assert {"traffic_light", "bus", "bicycle", "traffic_sign"} <= set(values["test"]["iou"])
    assert values["time"]["phrases"] == 19 and record["training"]["steps"] == 16
