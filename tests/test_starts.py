"""Weights to go on from: whatever is wrong with them is said before anything is trained."""

import hashlib

import pytest
import torch
from as_program import ROOT
from safetensors.torch import save_file

import mmlib.train
from mmlib import uses
from mmlib.book.script import run_as_script
from mmlib.notebooks import find
from mmlib.starts import start_from


def network(width=4, layers=1):
    """Convolutions in a row."""
    channels = [3, *[width] * layers, 1]
    return torch.nn.Sequential(*(torch.nn.Conv2d(a, b, 3) for a, b in zip(channels, channels[1:])))


def stored(net, path):
    save_file(net.state_dict(), path)
    return path


def test_a_network_starts_from_stored_weights_and_the_record_will_name_their_file(tmp_path, monkeypatch):
    monkeypatch.setattr(uses, "WEIGHTS", {})
    begun, net = network(), network()
    path = stored(begun, tmp_path / "begun.safetensors")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "own.sha256").write_text(f"{sha256}  begun.safetensors\n")
    for given in (path, tmp_path / "own.sha256"):
        assert start_from(net, given) == sha256
    torch.testing.assert_close(net.state_dict(), begun.state_dict())
    assert {"outside/begun.safetensors": sha256} == uses.WEIGHTS


def spoilt(kind, path):
    """A file of weights that a network() cannot start from."""
    if kind == "another size":
        return stored(network(width=5), path)
    if kind == "fewer parts":
        return stored(network(layers=0), path)
    if kind == "more parts":
        return stored(network(layers=2), path)
    if kind == "no weights":
        return stored(torch.nn.Identity(), path)
    stored(network(), path)
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-7])
    if kind == "NaN":
        net = network()
        net[0].bias.data[1] = torch.nan
        stored(net, path)
    if kind == "pointer":
        path = path.with_suffix(".sha256")
        path.write_text("nothing")
    return path


SAID = {
    "another size": r"expected 0.weight of size \(4, 3, 3, 3\), got \(5, 3, 3, 3\); next: train with the preset",
    "fewer parts": r"expected the 4 tensors of a Sequential, got no 1.weight \(2 absent, 0 of another network\); next",
    "more parts": r"expected the 4 tensors of a Sequential, got also 2.bias \(0 absent, 2 of another network\); next",
    "no weights": "expected weights, got none; next: give another file",
    "truncated": "expected a whole .safetensors file .*; next: write it again",
    "NaN": "expected finite weights, got others in 0.bias; next: look at the run that made it",
    "pointer": "expected a sha256 and a file name, got 1 words; next",
}


@pytest.mark.parametrize("kind", SAID)
def test_weights_that_do_not_fit_are_an_error_and_leave_the_network_as_it_was(tmp_path, kind):
    net, untouched = network(), network()
    net.load_state_dict(untouched.state_dict())
    path = spoilt(kind, tmp_path / "begun.safetensors")
    with pytest.raises(ValueError, match=SAID[kind]) as caught:
        start_from(net, path)
    assert str(path) in str(caught.value)
    torch.testing.assert_close(net.state_dict(), untouched.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("chapter", ["07", "08"])
def test_a_chapter_refuses_other_weights_before_it_trains_anything(tmp_path, monkeypatch, chapter):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(mmlib.train, "train", lambda *args, **given: pytest.fail("something was trained"))
    path = stored(network(), tmp_path / "begun.safetensors")
    with pytest.raises(ValueError, match="begun.safetensors: expected the .* tensors of a (SegMiF|TSJNet), got no"):
        run_as_script(find(chapter), {"preset": "smoke", "start": str(path)})


def test_chapter_8_says_that_a_variant_without_fusion_network_has_nothing_to_start(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(ValueError, match="expected a variant with a fusion network, got visible"):
        run_as_script(
            find("08"), {"preset": "smoke", "variant": "visible", "start": str(tmp_path / "begun.safetensors")}
        )
