"""Make ``.venv`` hold exactly what requirements.txt and constraints.txt say. Standard library only.

Run by ``make`` with the system's Python, before anything is installed. Safe to interrupt: a stamp is written last,
and whatever has no valid stamp is made again.

The environment variable TORCH says which PyTorch: "cpu", "cuda", or the arguments of pip for another one, such as
"torch==2.13.0 torchvision==0.28.0". Without it, a Linux machine that has no NVIDIA GPU gets the one for CPUs, which is
a tenth as large.

HASHES=1, as the workflows set it, installs nothing but files whose sha256 stands in .ci/lock.txt. PyTorch then comes
with CUDA, because the wheels without it are not on PyPI, from where the list was made.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / ".ready"
LOCK = ROOT / ".ci" / "lock.txt"
NEEDED_GB = 8
UV = "uv==0.13.9"
INSTALL_UV = ["-m", "pip", "install", "-q", "--no-cache-dir", "--disable-pip-version-check", "--retries", "1", UV]
NO_CONNECTION = ("connection broken", "NewConnectionError", "ConnectTimeout", "Cannot connect to proxy")
QUICK_TO_FAIL = {"UV_HTTP_TIMEOUT": "30", "UV_HTTP_RETRIES": "1"}  # the wheels for CPUs are a wish, not a need


def choose_torch() -> tuple[str, str]:
    """Which PyTorch to install, as TORCH would say it, and why."""
    told = os.environ.get("TORCH", "").strip()
    if os.environ.get("HASHES", "").strip():
        if told:
            stop("expected one of HASHES and TORCH, got both; next: leave out TORCH, the lock has one PyTorch")
        return "locked", "as HASHES says: only files that .ci/lock.txt lists"
    if told:
        return told, "as TORCH says"
    if sys.platform != "linux":
        return "cuda", "the only one for this system"
    if shutil.which("nvidia-smi") or Path("/dev/nvidiactl").exists():
        return "cuda", "this machine has an NVIDIA GPU"
    return "cpu", "this machine has no NVIDIA GPU"


def wanted_stamp(torch: str) -> str:
    """What the environment must have been made from: the pins, the place, the Python, the torch override."""
    files = [ROOT / "requirements.txt", ROOT / "constraints.txt"] + ([LOCK] if torch == "locked" else [])
    text = "".join(path.read_text() for path in files)
    key = "\n".join([text, str(ROOT), str(sys.version_info[:2]), torch])
    return hashlib.sha256(key.encode()).hexdigest()


def stop(message: str) -> None:
    """End with a message that says what to do next."""
    sys.exit("setup: " + message)


def check_machine() -> None:
    """Refuse early what would fail late: an old Python (as the Makefile does, in words that all read), a full disk."""
    if sys.version_info < (3, 11):  # noqa: UP036 (whatever Python there is may run this)
        got = sys.version.split()[0]
        stop(f"expected Python 3.11 or newer, got {got}; next: make PYTHON=python3.12 book")
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB and not STAMP.exists():
        stop(f"expected {NEEDED_GB} GB of free disk for .venv, got {free:.1f} GB; next: free some space")


def venv_python() -> Path:
    """The interpreter inside .venv."""
    return VENV / "bin" / "python"


def make_venv() -> None:
    """Create .venv afresh unless a working one is there (an interrupted install is carried on, not thrown away)."""
    python = venv_python()
    works = (
        python.exists() and subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0
    )
    if works:
        return
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    if made.returncode:
        stop("python -m venv failed; next: install your system's python3-venv package")


def pins(torch: str) -> Path:
    """constraints.txt, without the lines that other arguments for PyTorch replace."""
    if torch in ("cpu", "cuda"):
        return ROOT / "constraints.txt"
    dropped = ("torch==", "torchvision==", "triton==", "nvidia-", "cuda-")
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith(dropped)]
    path = VENV / "constraints.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def install_torch_for_cpu() -> bool:
    """Install the pinned PyTorch without CUDA; whether that was possible. Those wheels are not on PyPI."""
    python = str(venv_python())
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    wanted = [line for line in pinned if line.startswith(("torch==", "torchvision=="))]
    with_uv = [python, "-m", "uv", "pip", "install", "--no-cache", "--python", python]
    command = [*with_uv, "--torch-backend", "cpu", *wanted]
    return subprocess.run(command, capture_output=True, env={**os.environ, **QUICK_TO_FAIL}).returncode == 0


def install_uv(*, locked: bool = False) -> bool:
    """Install uv by pip; whether that was possible. locked: only if it is a file that the lock lists."""
    what = INSTALL_UV
    if locked:
        entry = re.search(rf"^{re.escape(UV)} .*?(?=^\S|\Z)", LOCK.read_text(), re.MULTILINE | re.DOTALL)
        if entry is None:
            stop(f"expected {UV} in .ci/lock.txt, got none; next: make the lock again, its first lines say how")
        uv_alone = VENV / "uv.txt"
        uv_alone.write_text(entry[0])
        what = [word for word in INSTALL_UV if word != UV] + ["--require-hashes", "--no-deps", "-r", str(uv_alone)]
    done = subprocess.run([str(venv_python()), *what], capture_output=True, text=True)
    said = done.stderr or ""
    if done.returncode and any(word in said for word in NO_CONNECTION):
        stop(
            "no package index can be reached; next: check the network (or PIP_INDEX_URL) and run the same command again"
        )
    if done.returncode and locked:
        print(said, flush=True)
    return done.returncode == 0


def install_locked() -> None:
    """Install the files of .ci/lock.txt and no others, those that build a package from its source included."""
    python = str(venv_python())
    command = [python, "-m", "uv", "pip", "install", "--no-cache", "--python", python, "--no-deps", "--require-hashes"]
    command += ["--build-constraints", str(LOCK), "-r", str(LOCK)]
    if not install_uv(locked=True) or subprocess.run(command).returncode:
        stop("what .ci/lock.txt lists could not be installed (see above); next: look who changed a file or the list")


def install(torch: str) -> None:
    """Install with uv, and with pip where uv cannot."""
    python = str(venv_python())
    install_uv()
    if torch == "cpu" and not install_torch_for_cpu():
        print("setup: no package index at hand has PyTorch without CUDA; going on with the one that has it", flush=True)
    others = [] if torch in ("cpu", "cuda") else torch.split()
    what = ["-r", str(ROOT / "requirements.txt"), "-c", str(pins(torch)), *others]
    with_uv = [python, "-m", "uv", "pip", "install", "--no-cache", "--python", python, *what]
    with_pip = [python, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check", *what]
    if subprocess.run(with_uv).returncode and subprocess.run(with_pip).returncode:
        stop("the packages could not be installed (see above); next: check the network and run the same command again")


def make_importable() -> None:
    """`import mmlib` works from every folder."""
    asked = [str(venv_python()), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.check_output(asked, text=True)
    (Path(site.strip()) / "mmlib.pth").write_text(path_line(ROOT), encoding="ascii")


def path_line(folder: Path) -> str:
    """A .pth file's line that adds a folder to sys.path.

    Python 3.11 reads such files in the locale's encoding: with LC_ALL=C, a plain path with an umlaut would end every
    start of Python. So the path is written as its bytes, in ASCII.
    """
    return f"import os, sys; sys.path.append(os.fsdecode({os.fsencode(folder)!r}))\n"


def main() -> None:
    """Install what is missing; say nothing when nothing is."""
    torch, why = choose_torch()
    stamp = wanted_stamp(torch)
    if STAMP.exists() and STAMP.read_text() == stamp and venv_python().exists():
        return
    check_machine()
    # The lock is the kernel's: a killed install never leaves it behind.
    import fcntl

    with open(ROOT / ".install.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        size = "1 GB to download, 2 GB" if torch == "cpu" else "3.3 GB to download, 6.3 GB"
        print(f"setup: making .venv (about {size} on disk, one to ten minutes)", flush=True)
        another = "" if torch == "locked" else "; TORCH=cpu or TORCH=cuda chooses another"
        print(f"setup: PyTorch: {torch} ({why}){another}", flush=True)
        STAMP.unlink(missing_ok=True)
        if torch == "locked":
            shutil.rmtree(VENV, ignore_errors=True)  # what is there already was not compared with the lock
        make_venv()
        if torch == "locked":
            install_locked()
        else:
            install(torch)
        make_importable()
        part = STAMP.with_suffix(".part")
        part.write_text(stamp)
        part.replace(STAMP)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("stopped; the same command goes on from here")
