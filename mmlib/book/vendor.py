"""The one web asset the pages need, MathJax: from the npm registry over plain HTTPS, pinned by version and hash."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

VERSION = "3.2.2"
TARBALL = f"mathjax-{VERSION}.tgz"
# The hash the registry publishes for this version (dist.integrity).
INTEGRITY = "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw=="
KEPT = (
    "tex-mml-chtml.js",
    "output/chtml/fonts/woff-v2/",
    "input/tex/extensions/",
    "a11y/",
    "sre/mathmaps/en.json",
    "sre/mathmaps/base.json",
)


def registry() -> str:
    """The npm registry's address: $NPM_CONFIG_REGISTRY, or the public one."""
    return (os.environ.get("NPM_CONFIG_REGISTRY") or "https://registry.npmjs.org").rstrip("/")


def verified(tarball: bytes) -> bytes:
    """Return ``tarball`` if its hash is the pinned one.

    Raises:
        RuntimeError: it is not; what was downloaded is thrown away.
    """
    got = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if got != INTEGRITY:
        raise RuntimeError(f"{TARBALL}: expected {INTEGRITY}, got {got}; next: run the same command again")
    return tarball


def download() -> bytes:
    """Fetch the pinned tarball.

    Raises:
        RuntimeError: the registry cannot be reached.
    """
    url = f"{registry()}/mathjax/-/{TARBALL}"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise RuntimeError(
            f"MathJax {VERSION} could not be fetched from the npm registry ({error}); next: check the network, or set"
            f" NPM_CONFIG_REGISTRY to a mirror, and run the same command again"
        ) from None


def unpack(tarball: bytes, folder: Path) -> None:
    """Write the files the pages use into ``folder``; only plain files below ``package/es5`` are ever written."""
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        for member in archive:
            name = member.name.removeprefix("package/es5/")
            if name != member.name and member.isfile() and ".." not in name and name.startswith(KEPT):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())


def fetch(folder: Path) -> None:
    """Make ``folder/mathjax``; finished only when ``folder/.complete`` says so."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / TARBALL
    if not kept.exists():
        part = kept.with_suffix(".part")
        part.write_bytes(verified(download()))
        part.replace(kept)
    tarball = verified(kept.read_bytes())
    part = folder / "mathjax.part"
    shutil.rmtree(part, ignore_errors=True)
    unpack(tarball, part)
    shutil.rmtree(folder / "mathjax", ignore_errors=True)
    part.replace(folder / "mathjax")
    (folder / ".complete").write_text(INTEGRITY + "\n")
