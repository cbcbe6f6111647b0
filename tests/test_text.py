"""mmlib.text: words in, padded ids and masks out, and a stated rule for words without a vector."""

import numpy as np
import pytest
import torch

from mmlib.data import DataMissing
from mmlib.text import Glove, Vocabulary, glove, tokenize


@pytest.fixture
def vectors():
    return Glove(("the", "car", "bus"), torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 4.0]]))


def test_tokenize():
    assert tokenize("The CAR, on the left!") == ["the", "car", "on", "the", "left"]
    assert tokenize("the car\u2019s left-most wheel (2)") == ["the", "car", "'s", "left-most", "wheel", "2"]
    assert tokenize("Überholspur") == ["überholspur"]
    assert tokenize("it isn't, can\u2019t and WON'T") == ["it", "is", "n't", "ca", "n't", "and", "wo", "n't"]
    assert tokenize("they're what I'd ask; don't!") == ["they", "'re", "what", "i", "'d", "ask", "do", "n't"]
    assert tokenize("nai\u0308ve") == tokenize("na\u00efve") == ["na\u00efve"]
    assert tokenize("a tent, an ant, n't") == ["a", "tent", "an", "ant", "n't"]
    for empty in ("", "  ", "?!"):
        with pytest.raises(ValueError, match="at least one word"):
            tokenize(empty)


def test_a_vocabulary_is_ordered_by_use_then_alphabet():
    words = Vocabulary.of(["the red car", "the car", "a bus"])
    assert words.words == ("car", "the", "a", "bus", "red") and len(words) == 7
    assert Vocabulary.of(["the red car", "the car"], min_count=2).words == ("car", "the")
    with pytest.raises(ValueError, match=r"distinct words .* got \['a'\]"):
        Vocabulary(("a", "a"))
    with pytest.raises(ValueError, match="distinct words"):
        Vocabulary(("<pad>",))


def test_encoding_pads_masks_and_comes_back():
    words = Vocabulary(("the", "red", "car"))
    tokens, mask = words.encode(["the car", "the red car"])
    assert tokens.tolist() == [[2, 4, 0], [2, 3, 4]] and mask.tolist() == [[True, True, False], [True] * 3]
    assert tokens.dtype == torch.int64 and mask.dtype == torch.bool
    assert words.decode(tokens) == ["the car", "the red car"]
    assert words.encode(["the car"], length=5)[0].tolist() == [[2, 4, 0, 0, 0]]
    with pytest.raises(ValueError, match="at most 2 words, got 3 in 'the red car'"):
        words.encode(["the car", "the red car"], length=2)


def test_unknown_words_are_refused_or_marked():
    words = Vocabulary(("the", "car"))
    with pytest.raises(ValueError, match="'tram' in 'the tram' is not among the 2 words"):
        words.encode(["the tram"])
    tokens, mask = words.encode(["the tram"], unknown="unk")
    assert tokens.tolist() == [[2, 1]] and mask.all() and words.decode(tokens) == ["the <unk>"]


@pytest.mark.parametrize("texts, unknown", [([], "error"), (["the"], "skip")])
def test_encode_arguments(texts, unknown):
    with pytest.raises(ValueError, match="expected a list of sentences"):
        Vocabulary(("the",)).encode(texts, unknown=unknown)


@pytest.mark.parametrize(
    "texts, advice",
    [
        ("the", "got str; next: put"),
        (np.array(["the", "the"]), "got ndarray; next: call its tolist"),
        ([1, 2], "got list"),
        ((word for word in ("the",)), "got generator; next: put"),
    ],
)
def test_sentences_come_in_a_list(texts, advice):
    with pytest.raises(TypeError, match=f"expected a list of sentences, {advice}"):
        Vocabulary(("the",)).encode(texts)


def test_words_without_a_vector(vectors):
    assert vectors.vector("tram", "zeros").tolist() == [0, 0]
    assert vectors.vector("tram", "mean").tolist() == pytest.approx([1 / 3, 2])
    with pytest.raises(KeyError, match="no vector for 'tram'"):
        vectors.vector("tram")
    with pytest.raises(ValueError, match="oov: expected one of error, zeros, mean"):
        vectors.vector("car", "random")
    assert vectors.missing(["car", "tram"]) == ["tram"] and "car" in vectors and "tram" not in vectors


def test_the_table_lines_up_with_the_vocabulary(vectors):
    words = Vocabulary(("bus", "tram"))
    table = vectors.table(words)
    assert (
        table.shape == (4, 2) and not table[0].any() and torch.equal(table[words.ids["bus"]], torch.tensor([0.0, 4.0]))
    )
    assert torch.allclose(table[1], vectors.vectors.mean(0)) and not table[words.ids["tram"]].any()
    with pytest.raises(KeyError):
        vectors.table(words, oov="error")


def test_similarity_by_hand(vectors):
    assert vectors.similarity("car", "bus") == 1 and vectors.similarity("the", "car") == 0


def test_nearest_words_by_hand(vectors):
    assert vectors.nearest("car", 2) == [("bus", 1.0), ("the", 0.0)]
    with pytest.raises(KeyError, match="no vector for 'tram'"):
        vectors.nearest("tram")


def test_files(tmp_path, monkeypatch):
    np.savez(tmp_path / "ok.npz", words=np.array(["a", "b"]), vectors=np.ones((2, 3), np.float16))
    assert glove(tmp_path / "ok.npz").vectors.dtype == torch.float32
    with pytest.raises(DataMissing, match="data_scripts/obtain.py glove"):
        glove(tmp_path / "none.npz")
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="data_scripts/obtain.py glove"):
        glove()
