"""Records and weights: what is written is whole and checked, and what a stranger left is refused."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from results_toy import grid, loaded, move_into, notebook, record, text, write
from safetensors.torch import save

from mmlib import uses
from mmlib.notebooks import check_preset
from mmlib.results import Interval, Key, frame, load_claims, results_table, split_variant, training_block
from mmlib.results.records import dump, load_record, machine, read_records, write_record
from mmlib.results.tables import last_verified, number, printed
from mmlib.results.weights import load_weights, save_weights, weights_file


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a record of the toy paper, with changes, in a project of its own; its path."""
    move_into(tmp_path, monkeypatch)
    notebook(tmp_path / "nbs/01_toy.ipynb", "x = 1")

    def make(**change) -> Path:
        key = {"notebook": "nbs/01_toy.ipynb", "paper": "toy", "data": "ministreet", "data_fingerprint": "f"}
        key |= {"preset": "smoke", "variant": "flow", "seed": 0, "values": {"miou": 0.5}, "wall_s": 1.0}
        return write_record(tmp_path / "results", **(key | change))

    return make


def test_a_record_says_what_where_how_and_by_which_code(written):
    uses.note_reader("streets", "mmlib.data.streets")
    uses.note_weights("toy/start", "a" * 64)
    block = training_block([1.0] * 16, data_order="o", augmentation="a", tuning="t")
    path = written(training=block, health={"branch": {"end": {"varies": 0.5}}}, precision="bf16")
    made = load_record(path)
    assert path.name == "flow-ministreet-smoke-0.json" and path.parent.name == "toy"
    assert made.key == Key("toy", "flow", "ministreet", "smoke", 0)
    assert (made.values, made.training.steps, made.health["branch"]["end"]) == ({"miou": 0.5}, 16, {"varies": 0.5})
    assert made.reads == {"streets": "mmlib.data.streets"} and made.starts == {"toy/start": "a" * 64}
    assert list(made.code) == ["nbs/01_toy.ipynb"] and made.versions["torch"] and made.commit == "unknown"
    assert made.asked == {"preset": {"steps": 20}, "variant": {}}, "what the claims said is part of it"
    assert made.cpu_s > 0 and made.peak_memory_mib > 1
    assert not list(path.parent.glob("*.part")), "a half-written file was left behind"


def test_the_machine_is_named(monkeypatch):
    here = machine("fp16")
    assert here.precision == "fp16" and here.threads == torch.get_num_threads()
    assert here.instructions == torch.backends.cpu.get_cpu_capability()
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    assert not models or here.cpu == models[0].split(": ", 1)[1]
    assert machine().precision in ("bf16", "fp16", "fp32"), "by itself: what training takes here"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"deep": [1.0, (float("nan"),)]}])
def test_numbers_that_are_none_are_refused_and_nothing_is_written(written, tmp_path, value):
    for where in ("values", "health"):
        with pytest.raises(ValueError, match=f"{where}: .*finite"):
            written(**{where: {"miou": value}})
    assert not (tmp_path / "results").exists()


def test_a_bad_record_never_replaces_a_good_one(written):
    path = written()
    before = path.read_bytes()
    block = training_block([1.0] * 16, data_order="o", augmentation="a", tuning="t")
    for bad in ({"values": {"miou": float("nan")}}, {"training": block | {"first_losses": [float("nan")]}}):
        with pytest.raises(ValueError, match="finite"):
            written(**bad)
    with pytest.raises(ValueError, match="expected a preset out of smoke, laptop, night, gpu, paper, got 'tiny'"):
        written(preset="tiny")
    assert path.read_bytes() == before


REQUIRED = "schema paper variant data data_fingerprint preset seed values notebook code commit versions machine wall_s"
WRONG = [
    ("seed", "0", "Input should be a valid integer"),
    ("seed", 0.5, "Input should be a valid integer"),
    ("preset", "huge", "Input should be 'smoke'"),
    ("wall_s", float("nan"), "expected JSON, got the number NaN"),
    ("values", {"miou": float("inf")}, "expected JSON, got the number Infinity"),
    ("training", {"steps": 3}, "Field required"),
    ("machine", {"device": "CPU"}, "Field required"),
    ("reads", {"davis": 3}, "Input should be a valid string"),
    ("colour", "red", "Extra inputs"),
    ("schema", 3, "Input should be 2"),
    ("schema", 1, "a record of the first edition; next: make the run again"),
    *((field, ..., "Field required") for field in REQUIRED.split()),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG, ids=lambda x: str(x)[:20])
def test_a_field_that_is_missing_or_of_a_wrong_kind_is_named(tmp_path, field, value, message):
    content = json.loads(dump(record("flow", 0, 0.5))) | {field: value}
    write(tmp_path, {"r.json": json.dumps({name: one for name, one in content.items() if one is not ...})})
    with pytest.raises(ValueError, match=message) as error:
        load_record(tmp_path / "r.json")
    assert f"r.json: {field}" in str(error.value) or value == 1 or message.startswith("expected JSON")


def test_a_list_is_no_record(tmp_path):
    write(tmp_path, {"r.json": "[]"})
    with pytest.raises(ValueError, match="r.json: "):
        load_record(tmp_path / "r.json")


def test_records_are_found_by_what_they_say_and_where_they_lie(written, tmp_path):
    path = written()
    assert list(map(str, read_records("toy", tmp_path / "results"))) == ["toy/flow-ministreet-smoke-0"]
    path.rename(path.with_name("plain-ministreet-smoke-0.json"))
    with pytest.raises(ValueError, match="expected the record of plain-ministreet-smoke-0"):
        read_records("toy", tmp_path / "results")
    with pytest.raises(FileNotFoundError, match="make reproduce"):
        load_record(path)


def test_names_of_runs_go_both_ways():
    for key in (Key("toy", "flow_x2", "msrs-jpeg92", "gpu", 12), Key("a", "b", "c", "smoke", 0)):
        assert Key.parse(str(key)) == key
    for name in (
        "toy/a-b-laptop-x",
        "a-b-laptop-0",
        "../../etc/a-b-laptop-0",
        "toy/a b-c-laptop-0",
        "toy/a-b-night-0\n",
    ):
        with pytest.raises(ValueError, match="expected a run such as"):
            Key.parse(name)
    assert split_variant("flow_x2") == ("flow", 2) and split_variant("flow") == ("flow", 1)
    assert check_preset("night") == "night"


def test_the_course_of_a_loss_in_sixteen_parts():
    same = {"data_order": "o", "augmentation": "a", "tuning": "t"}
    block = training_block([float(32 - i) for i in range(32)], **same)
    assert (block["steps"], len(block["first_losses"]), block["first_losses"][0]) == (32, 20, 32.0)
    assert block["curve"] == [31.5 - 2 * i for i in range(16)]
    for losses, message in (([1.0] * 15, "at least 16"), ([1.0] * 15 + [float("nan")], "losses.15")):
        with pytest.raises(ValueError, match=message):
            training_block(losses, **same)


# ---------------------------------------------------------------------------------------------------------------------
# Weights


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Weights of a small net, published into an empty folder."""
    monkeypatch.setattr(uses, "WEIGHTS", {})
    tensors = {"a.weight": torch.linspace(-1, 1, 12).reshape(3, 4), "steps": torch.tensor(7)}
    return tmp_path, tensors, save_weights("toy/net", tensors, tmp_path)


def test_they_come_back_in_single_precision_and_are_noted(saved):
    folder, tensors, sha256 = saved
    assert uses.WEIGHTS == {}
    back = load_weights("toy/net", folder)
    assert back["a.weight"].dtype == torch.float32 and back["steps"].dtype == torch.int64
    assert torch.equal(back["a.weight"], tensors["a.weight"].half().float()) and back["steps"] == 7
    file, listed = weights_file("toy/net", folder)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == listed == sha256 == uses.WEIGHTS["toy/net"]
    assert file.stat().st_size < 400, "half precision: two bytes each, and a short head"


def test_new_weights_take_the_place_of_old_ones_and_of_no_others(saved):
    folder, tensors, _ = saved
    save_weights("toy/net-b", tensors, folder)
    tied = torch.zeros(2)
    save_weights("toy/net", {"a": tied, "b": tied, "c": torch.ones(4, 4).t()}, folder)
    assert load_weights("toy/net", folder)["b"].tolist() == [0, 0]
    assert "steps" in load_weights("toy/net-b", folder)
    assert len(list((folder / "weights" / "toy").iterdir())) == 4


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_half_precision_cannot_hold_are_refused(saved, value):
    folder, tensors, _ = saved
    with pytest.raises(ValueError, match="finite weights in half precision, got others in bad"):
        save_weights("toy/net", {"bad": torch.tensor([value])}, folder)
    assert load_weights("toy/net", folder).keys() == tensors.keys()


def test_large_nets_are_neither_published_nor_read(tmp_path, monkeypatch):
    monkeypatch.setattr("mmlib.results.weights.LIMIT", 1000)
    save_weights("toy/net", {"a": torch.zeros(400)}, tmp_path)
    with pytest.raises(ValueError, match="at most 16 MiB"):
        save_weights("toy/net", {"a": torch.zeros(600)}, tmp_path)
    monkeypatch.setattr("mmlib.results.weights.LIMIT", 500)
    with pytest.raises(ValueError, match="at most 16 MiB"):
        load_weights("toy/net", tmp_path)


@pytest.mark.parametrize(
    "name", ["net", "../net", "toy/../net", "/toy/net", "Toy/net", "toy/Net", "toy/net.x", "toy/a/b", ""]
)
def test_names_cannot_leave_their_folder(tmp_path, name):
    for call in (lambda: load_weights(name, tmp_path), lambda: save_weights(name, {}, tmp_path)):
        with pytest.raises(ValueError, match="expected a name of weights"):
            call()


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
    "gone": None,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_strangers_files_are_refused_and_never_run(saved, kind):
    """Even with the sha256 that would let them pass."""
    folder, content = saved[0], HOSTILE[kind]
    file, sha256 = weights_file("toy/net", folder)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
    write(folder, {"weights/toy/net.sha256": f"{sha256}  {file.name}\n"})
    with pytest.raises(ValueError, match="safetensors: .*; next: restore"):
        load_weights("toy/net", folder)
    assert uses.WEIGHTS == {}


def test_other_bytes_than_published_are_refused(saved):
    file, sha256 = weights_file("toy/net", saved[0])
    file.write_bytes(save({"a.weight": torch.zeros(3, 4)}))
    with pytest.raises(ValueError, match=f"expected sha256 {sha256}"):
        load_weights("toy/net", saved[0])
    with pytest.raises(FileNotFoundError, match="make reproduce"):
        load_weights("toy/nothing", saved[0])


@pytest.mark.parametrize("line", ["", "abc", "0" * 64 + "  ../../secret.safetensors\n", "0" * 64 + "  net.pkl\n"])
def test_damaged_pointers_are_refused(saved, line):
    write(saved[0], {"weights/toy/net.sha256": line})
    with pytest.raises(ValueError, match="expected a sha256 and a file name"):
        load_weights("toy/net", saved[0])


# ---------------------------------------------------------------------------------------------------------------------
# Tables


@pytest.fixture
def folders(tmp_path):
    """A claims folder, and a results folder with the toy's runs."""
    (tmp_path / "claims").mkdir()
    loaded(tmp_path / "claims", text(controls=["shuffled"], unit="points"))
    later = record("flow", 9, 0.5, made="2026-12-24T00:00:00+00:00", commit="fedcba98765")
    for one in [*grid(flow=0.60, plain=0.50, shuffled=0.50).values(), later]:
        write(tmp_path / "results", {f"{one.key}.json": dump(one).decode()})
    return {"claims": tmp_path / "claims", "results": tmp_path / "results"}


def test_paper_published_and_verdict_stand_in_one_row(folders):
    shown = results_table("toy", ["flow_helps", "t1.ours.miou"], **folders)
    for expected in (
        "Flow helps.",
        "+1.9",
        "n = 5 seeds, points",
        "holds, and not with shuffled flow",
        "differs",
        "52.1",
    ):
        assert expected in shown.text
    assert "survives Benjamini-Hochberg" in shown.text and "your run" not in shown.text
    said = "Last verified 2026-12-24, by commit fedcba98: the latest of 25 records made since 2026-12-01."
    assert said in shown.html and last_verified("toy", results=folders["claims"]) == "No run is published yet."
    for name in ("t1.other.miou", "nothing"):
        with pytest.raises(KeyError, match="expected a direction or a value of toy"):
            results_table("toy", [name], **folders)


def test_the_readers_run_is_marked_and_left_out_of_pages(folders, monkeypatch):
    monkeypatch.delenv("MMLIB_STATIC", raising=False)
    shown = results_table("toy", ["flow_helps"], yours={"flow_helps": 1.25}, **folders).text
    assert "your run (one seed)" in shown and "1.250" in shown
    monkeypatch.setenv("MMLIB_STATIC", "1")
    shown = results_table("toy", ["flow_helps"], yours={"flow_helps": 1.25}, **folders).text
    assert "your run" not in shown and "1.250" not in shown


def test_records_as_one_tidy_frame(folders):
    every = frame("toy", folders["results"])
    assert set(every.metric) == {"test.miou", "test.floor"} | {
        f"health.flow path.{when}.{name}"
        for when in ("start", "middle", "end")
        for name in ("called", "never", "varies", "gradient")
    }
    flow = frame("toy", folders["results"], variant="flow", longer=1, metric="test.miou")
    assert list(flow.seed) == [0, 1, 2, 3, 4, 9] and flow.value[0] == pytest.approx(0.6, abs=4e-3)
    assert list(frame("toy", folders["results"], longer=2, metric="test.miou").variant.unique()) == [
        "flow",
        "plain",
        "shuffled",
    ]
    empty = frame("nobody", folders["results"])
    assert len(empty) == 0 and list(empty.columns) == list(every.columns)


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [(12.3456, 20, "12"), (12.3456, 2, "12.3"), (12.3456, 0.2, "12.35"), (-0.5, 1e-6, "−0.500"), (1e4, 300, "10000")],
)
def test_numbers_have_the_digits_that_their_interval_supports(value, half, shown):
    assert number(value, Interval(value, value - half, value + half, 3)) == shown


def test_what_the_paper_prints_in_words():
    flow2seg, tsjnet = load_claims("flow2seg"), load_claims("tsjnet")
    assert printed(flow2seg.direction("flow_helps"), flow2seg) == ("+1.9", "79.7 against 77.8")
    assert printed(flow2seg.direction("gain_on_boundaries"), flow2seg) == ("no number", "")
    assert printed(tsjnet.cell("msrs.tsjnet.vif"), tsjnet) == ("missing", "")
    assert printed(tsjnet.cell("m3fd.divfusion.psnr"), tsjnet) == ("10.44", "perhaps 12.34")
