"""Published weights come back as they were, in half precision; anything else in their place is refused."""

import hashlib
import pickle

import pytest
import torch
from safetensors.torch import save

from mmlib.runs import weights
from mmlib.runs.weights import load_weights, save_weights, weights_file


@pytest.fixture
def saved(tmp_path):
    """Weights of a small net, published into an empty folder."""
    tensors = {"a.weight": torch.linspace(-1, 1, 12).reshape(3, 4), "steps": torch.tensor(7)}
    save_weights("toy/net", tensors, tmp_path)
    return tmp_path, tensors


def replaced(folder, content: bytes, sha256: str | None = None) -> None:
    """Put other bytes in the place of the published ones, with the sha256 that would let them pass."""
    file, _ = weights_file("toy/net", folder)
    file.write_bytes(content)
    line = f"{sha256 or hashlib.sha256(content).hexdigest()}  {file.name}\n"
    (folder / "weights" / "toy" / "net.sha256").write_text(line)


def test_they_come_back_in_single_precision(saved):
    folder, tensors = saved
    back = load_weights("toy/net", folder)
    assert back["a.weight"].dtype == torch.float32 and back["steps"].dtype == torch.int64
    assert torch.equal(back["a.weight"], tensors["a.weight"].half().float()) and back["steps"] == 7
    file, sha256 = weights_file("toy/net", folder)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    assert file.stat().st_size < 400, "half precision: two bytes each, and a short head"


def test_new_weights_take_the_place_of_old_ones_and_of_no_others(saved):
    folder, tensors = saved
    save_weights("toy/net-b", tensors, folder)
    save_weights("toy/net", {"a.weight": torch.zeros(2)}, folder)
    assert load_weights("toy/net", folder)["a.weight"].tolist() == [0, 0]
    assert "steps" in load_weights("toy/net-b", folder)
    assert len(list((folder / "weights" / "toy").iterdir())) == 4


def test_shared_tensors_may_be_saved(tmp_path):
    tied = torch.ones(3)
    save_weights("toy/net", {"a": tied, "b": tied, "c": torch.ones(4, 4).t()}, tmp_path)
    assert load_weights("toy/net", tmp_path)["b"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_half_precision_cannot_hold_are_refused(saved, value):
    folder, _ = saved
    before = load_weights("toy/net", folder)
    with pytest.raises(ValueError, match="finite weights in half precision, got others in bad"):
        save_weights("toy/net", {"bad": torch.tensor([value])}, folder)
    assert load_weights("toy/net", folder).keys() == before.keys()


def test_large_nets_are_not_published(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "LIMIT", 1000)
    save_weights("toy/net", {"a": torch.zeros(400)}, tmp_path)
    with pytest.raises(ValueError, match="at most 16 MiB"):
        save_weights("toy/net", {"a": torch.zeros(600)}, tmp_path)
    monkeypatch.setattr(weights, "LIMIT", 500)
    with pytest.raises(ValueError, match="at most 16 MiB"):
        load_weights("toy/net", tmp_path)


@pytest.mark.parametrize("name", ["net", "../net", "toy/../net", "/toy/net", "Toy/net", "toy/net.x", "toy/a/b", ""])
def test_names_cannot_leave_their_folder(tmp_path, name):
    for call in (lambda: load_weights(name, tmp_path), lambda: save_weights(name, {}, tmp_path)):
        with pytest.raises(ValueError, match="expected a name of weights"):
            call()


def test_missing_weights_name_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="make reproduce"):
        load_weights("toy/net", tmp_path)


class Mischief:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('ran')",)


HOSTILE = {
    "pickle": pickle.dumps(Mischief()),
    "empty": b"",
    "text": b"these are no tensors",
    "half a file": save({"a": torch.ones(10)})[:-5],
    "huge head": (2**60).to_bytes(8, "little") + b"{}",
    "nan": save({"a": torch.tensor([float("nan")])}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_and_never_run(saved, kind):
    folder, _ = saved
    replaced(folder, HOSTILE[kind])
    with pytest.raises(ValueError, match="safetensors: .*; next: restore"):
        load_weights("toy/net", folder)


def test_other_bytes_than_published_are_refused(saved):
    folder, tensors = saved
    _, sha256 = weights_file("toy/net", folder)
    replaced(folder, save({"a.weight": torch.zeros(3, 4)}), sha256)
    with pytest.raises(ValueError, match=f"expected sha256 {sha256}"):
        load_weights("toy/net", folder)


@pytest.mark.parametrize("line", ["", "abc", "0" * 64 + "  ../../secret.safetensors\n", "0" * 64 + "  net.pkl\n"])
def test_damaged_pointers_are_refused(saved, line):
    folder, _ = saved
    (folder / "weights" / "toy" / "net.sha256").write_text(line)
    with pytest.raises(ValueError, match="expected a sha256 and a file name"):
        load_weights("toy/net", folder)


def test_a_pointer_to_nothing_is_refused(saved):
    folder, _ = saved
    weights_file("toy/net", folder)[0].unlink()
    with pytest.raises(ValueError, match="No such file"):
        load_weights("toy/net", folder)


def test_wrong_shapes_do_not_enter_a_net(saved):
    folder, _ = saved
    net = torch.nn.ModuleDict({"a": torch.nn.Linear(4, 5, bias=False)})
    with pytest.raises(RuntimeError, match="size mismatch for a.weight"):
        net.load_state_dict({"a.weight": load_weights("toy/net", folder)["a.weight"]})
