"""The choice of PyTorch: without CUDA where no NVIDIA GPU is, with a way back, and always overridable; the lock."""

import re
from types import SimpleNamespace

import pytest

from mmlib.book import install

LOCK = install.LOCK.read_text(encoding="utf-8")


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.delenv("TORCH", raising=False)
    monkeypatch.delenv("HASHES", raising=False)
    monkeypatch.setattr(install.sys, "platform", "linux")
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    monkeypatch.setattr(install.Path, "exists", lambda self: False)


def test_without_an_nvidia_gpu_pytorch_comes_without_cuda(no_gpu):
    assert install.choose_torch()[0] == "cpu"


def test_with_an_nvidia_gpu_pytorch_comes_with_cuda(no_gpu, monkeypatch):
    monkeypatch.setattr(install.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert install.choose_torch()[0] == "cuda"


def test_a_mac_gets_the_only_one_there_is(no_gpu, monkeypatch):
    monkeypatch.setattr(install.sys, "platform", "darwin")
    assert install.choose_torch()[0] == "cuda"


@pytest.mark.parametrize("told", ["cuda", "torch==2.13.0 torchvision==0.28.0"])
def test_torch_can_be_chosen_by_hand(no_gpu, monkeypatch, told):
    monkeypatch.setenv("TORCH", told)
    monkeypatch.delenv("HASHES", raising=False)
    assert install.choose_torch() == (told, "as TORCH says")


class Commands:
    """Stands for the shell: notes what was called; `fails` says which commands do not succeed."""

    def __init__(self, fails):
        self.fails = fails
        self.calls = []

    def run(self, command, **options):
        self.calls.append([str(word) for word in command])
        return SimpleNamespace(returncode=int(self.fails(command)), stderr="")

    def check_output(self, command, text):
        return str(self.site)


@pytest.fixture
def shell(monkeypatch, tmp_path):
    def make(fails=lambda command: False):
        commands = Commands(fails)
        commands.site = tmp_path
        fake = SimpleNamespace(run=commands.run, check_output=commands.check_output)
        monkeypatch.setattr(install, "subprocess", fake)
        return commands

    return make


def for_cpu(command):
    return "--torch-backend" in command


def test_the_pinned_versions_are_installed_for_cpus_before_the_rest(shell):
    commands = shell()
    install.install("cpu")
    first, second = [call for call in commands.calls if "-r" in call or for_cpu(call)]
    assert for_cpu(first)
    assert [word.split("==")[0] for word in first if "==" in word] == ["torch", "torchvision"]
    assert "-r" in second


def test_an_index_without_wheels_for_cpus_is_no_obstacle(shell, capsys):
    commands = shell(fails=for_cpu)
    install.install("cpu")
    assert any("-r" in call for call in commands.calls)
    assert "going on with the one that has it" in capsys.readouterr().out


def test_with_cuda_nothing_is_looked_for_elsewhere(shell):
    commands = shell()
    install.install("cuda")
    assert not any(for_cpu(call) for call in commands.calls)


def test_another_version_replaces_the_pins(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "VENV", tmp_path)
    commands = shell()
    install.install("torch==2.13.0")
    call = next(call for call in commands.calls if "-r" in call)
    assert call[-1] == "torch==2.13.0"
    pinned = (tmp_path / "constraints.txt").read_text()
    assert "\ntorch==" not in pinned and "nvidia-" not in pinned and "\npillow==" in pinned


def test_hashes_choose_the_lock_and_no_other_pytorch_beside_it(no_gpu, monkeypatch):
    monkeypatch.setenv("HASHES", "1")
    assert install.choose_torch()[0] == "locked"
    monkeypatch.setenv("TORCH", "cpu")
    with pytest.raises(SystemExit, match="expected one of HASHES and TORCH, got both"):
        install.choose_torch()


def entries(text):
    """{name and version: the lines below} of a requirements file."""
    found = re.findall(r"^(\S+==[^\s;]+)(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(dict(found)) == len(found) > 200
    return dict(found)


def test_the_lock_has_the_versions_of_constraints_txt_and_uv_each_with_hashes_and_names_no_host():
    pinned = entries((install.ROOT / "constraints.txt").read_text())
    locked = entries(LOCK)
    assert locked.keys() == pinned.keys() | {install.UV}
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", lines) for lines in locked.values())
    assert "://" not in LOCK and "--index" not in LOCK and "--find-links" not in LOCK


def test_with_the_lock_every_installation_checks_hashes(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "VENV", tmp_path)
    commands = shell()
    install.install_locked()
    assert len(commands.calls) == 2
    assert all("--require-hashes" in call and "--no-deps" in call for call in commands.calls)
    assert commands.calls[1][-4:] == ["--build-constraints", str(install.LOCK), "-r", str(install.LOCK)]
    alone = (tmp_path / "uv.txt").read_text()
    assert alone.count("==") == 1 and alone.startswith(install.UV) and alone.count("--hash=sha256:") > 5


def test_a_file_that_the_lock_does_not_list_ends_the_installation(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "VENV", tmp_path)
    shell(fails=lambda command: "--require-hashes" in command)
    with pytest.raises(SystemExit, match="next: look who changed a file or the list"):
        install.install_locked()
