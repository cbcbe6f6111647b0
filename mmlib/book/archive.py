"""The built pages as one file, to keep or to send: the same pages give the same bytes, and a manifest has their hashes.

python -m mmlib.book archive
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from mmlib import __version__
from mmlib.files import replace_file

MANIFEST = "MANIFEST.sha256"


def archive(build: Path) -> Path:
    """Write `build`/fuse-flow-refer-VERSION.tar.gz, which holds the pages of `build`/html and their sha256; its path.

    `sha256sum -c MANIFEST.sha256` in the unpacked folder checks them.

    Raises:
        FileNotFoundError: the pages are not built.
    """
    html = build / "html"
    if not (html / ".complete").is_file():
        raise FileNotFoundError(f"{html}: expected the built pages, there are none; next: make book")
    name = f"fuse-flow-refer-{__version__}"
    files = sorted(path for path in html.rglob("*") if path.is_file() and path.name != ".complete")
    contents = {path.relative_to(html).as_posix(): path.read_bytes() for path in files}
    lines = [f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in contents.items()]
    contents[MANIFEST] = "".join(lines).encode()
    target = build / f"{name}.tar.gz"
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as bundle:
        for path, content in contents.items():
            member = tarfile.TarInfo(f"{name}/{path}")  # owner, time and rights are the same on every machine
            member.size = len(content)
            bundle.addfile(member, io.BytesIO(content))
    replace_file(target, packed.getvalue())
    return target
