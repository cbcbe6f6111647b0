"""Other processes, really: killed without a goodbye and resumed, and two that train one net together."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from forks import ended, fork, in_two

sys.path.insert(0, str(Path(__file__).parent))
from train_toy import STEPS, main, numbers, run

TOY = Path(__file__).with_name("train_toy.py")
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]


@pytest.fixture(scope="module")
def whole():
    """What the run ends with when nobody disturbs it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield numbers(*run())
    torch.set_num_threads(threads)


def test_killed_at_random_steps_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, whole):
    kills = ["write", *(str(random.randint(2, 5)) for _ in range(3))]
    random.shuffle(kills)
    print(f"killed in the steps (counted from each start), or while writing: {kills}")
    for kill_at in kills:
        assert ended(fork(main, tmp_path / "out.json", tmp_path / "run", "1", kill_at)) == -signal.SIGKILL
    assert ended(fork(main, tmp_path / "out.json", tmp_path / "run", "1")) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert {k: result[k] for k in whole} == whole
    assert 0 < result["samples"] < 8 * STEPS, "the last start took up what the killed ones had done"


@pytest.mark.slow
def test_two_processes_equal_one_with_the_same_global_batch(tmp_path):
    log, net = run(dropout=0.0)
    command = [sys.executable, *TORCHRUN, str(TOY), str(tmp_path / "two.json"), "", "100", "", "0.0", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    two = json.loads((tmp_path / "two.json").read_text())
    assert two["size"] == 2 and two["samples"] == log.samples
    assert two["loss"] == pytest.approx(log.loss, rel=1e-5)
    for name, expected in numbers(log, net).items():
        if name != "loss":
            got = torch.tensor([float.fromhex(x) for x in two[name]])
            assert torch.allclose(got, torch.tensor([float.fromhex(x) for x in expected]), atol=1e-4), name


def test_two_processes_that_find_different_runs_say_so(tmp_path, capfd):
    run(tmp_path / "0", dropout=0.0)
    assert in_two(lambda rank: run(tmp_path / str(rank), dropout=0.0)) == [1, 1]
    assert capfd.readouterr().err.count("next: put it on a shared disk\n") == 2
