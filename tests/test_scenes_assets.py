"""Train never shows a test asset; assets are distinct, and drawn the same each time."""

import hashlib

import pytest

from mmlib.scenes.actors import populate
from mmlib.scenes.atlas import atlas
from mmlib.scenes.knobs import Knobs, resolve
from mmlib.scenes.layout import build
from mmlib.scenes.splits import split_seeds


def assets_of(seed: int) -> set[str]:
    """Names of all assets a scene is made of, its ground texture included."""
    source = atlas()
    by_index = {a.index: name for name, a in source.assets.items()}
    conditions = resolve(seed, Knobs(crowding=1.0))
    world = build(seed, conditions, source)
    populate(world, seed, conditions, source)
    return {by_index[q.asset] for q in world.quads} | {by_index[world.street.texture]}


@pytest.fixture(scope="module")
def used() -> dict[str, set[str]]:
    return {split: set().union(*(assets_of(s) for s in split_seeds(split, 150))) for split in ("train", "val", "test")}


def test_train_never_shows_a_test_asset(used: dict[str, set[str]]) -> None:
    assert not used["train"] & used["test"]
    assert not used["val"] & used["test"]
    assert all("/train/" in name for name in used["train"] | used["val"])
    assert all("/test/" in name for name in used["test"])


def test_every_asset_is_used(used: dict[str, set[str]]) -> None:
    assert used["train"] | used["val"] | used["test"] == set(atlas().assets)


def test_no_two_assets_of_the_families_look_the_same() -> None:
    """Same pixels under two names would let train see a test picture: everything but plain discs and shadows
    differs."""
    source = atlas()
    digests: dict[str, str] = {}
    for name, asset in source.assets.items():
        start = int(source.layout[0][asset.index, 0])
        texels = source.table[start : start + asset.shape[0] * asset.shape[1]]
        digest = hashlib.sha256(texels.numpy().tobytes()).hexdigest()
        kind = name.split("/")[0]
        if kind not in ("disc", "shadow"):
            assert digest not in digests, (name, digests[digest])
        digests[digest] = name


def test_texels_are_premultiplied() -> None:
    table = atlas().table
    assert table.min() >= 0 and table.max() <= 1
    assert (table[:, :3].amax(1) <= table[:, 3] + 2 / 255).all()
