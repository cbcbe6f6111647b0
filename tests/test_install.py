"""The choice of PyTorch: without CUDA where no NVIDIA GPU is, with a way back, and always overridable."""

from types import SimpleNamespace

import pytest

from mmlib.book import install


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.delenv("TORCH", raising=False)
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
