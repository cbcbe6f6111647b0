"""Unpacking what is wanted from a .tar.gz, .zip or .whl, and nothing outside the folder it is unpacked into.

`tarfile` and `zipfile` read; which members, under which names, and what is refused, is ours."""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

MOST, LEAST = 200, 2**30
"""Times its own size that an archive may unpack to, and bytes that it may in any case: pictures hardly shrink."""


class DamagedArchive(ValueError):
    """An archive that cannot be read to its end: fetch it again."""


def unpack(archive: Path, take: Sequence[tuple[str, str]], folder: Path) -> int:
    """Write the members that match `take` below `folder`; returns how many.

    `take`: (regular expression for a member's whole path, its path in the set), such as
    (r"[^/]+/cropinfrared/(.+\\.jpg)", r"ir/\\1").

    Only regular files are written: links, devices and names that would leave the folder (absolute, "..", drive letters)
    are an error if they match, and never followed. ValueError for such a name, for two members with one target, and if
    a rule of `take` matches nothing, since then the layout is not the one that was seen; for an encrypted archive, and
    one that would unpack to more than MOST times its size. DamagedArchive for what is no archive, or not a whole one.
    """
    hits = dict.fromkeys((pattern for pattern, _ in take), 0)
    written: set[Path] = set()
    room = max(LEAST, MOST * archive.stat().st_size)
    try:
        for name, regular, opened in _members(archive):
            found = _wanted(name, take)
            if found is None:
                continue
            pattern, relative = found
            hits[pattern] += 1
            target = _inside(folder, relative, f"{archive}: {name!r}")
            if not regular:
                raise ValueError(f"{archive}: {name!r} is a link or a device, not a file; do not trust this archive")
            if target in written:
                raise ValueError(f"{archive}: two members for {target}; its layout is not the one that was seen")
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened() as source, open(target, "wb") as file:
                while chunk := source.read(1 << 20):
                    room -= len(chunk)
                    if room < 0:
                        raise ValueError(f"{archive}: unpacks to more than {MOST} times its size; do not trust it")
                    file.write(chunk)
            written.add(target)
    except (RuntimeError, NotImplementedError) as error:  # of zipfile: a password is needed, or a method it lacks
        raise ValueError(f"{archive}: cannot be unpacked here ({error}); unpack it by hand, then --adopt") from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedArchive(f"{archive.name}: damaged or cut short ({error}); run the same command again") from error
    missed = [pattern for pattern, n in hits.items() if n == 0]
    if missed:
        raise ValueError(f"{archive}: nothing matches {', '.join(missed)}; its layout is not the one that was seen")
    return len(written)


def _wanted(name: str, take: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """(the first pattern that a member's path matches, its path in the set); None if it matches none."""
    for pattern, template in take:
        match = re.fullmatch(pattern, name)
        if match:
            return pattern, match.expand(template)
    return None


def _members(archive: Path) -> Iterator[tuple[str, bool, Callable[[], IO[bytes]]]]:
    """(name, is a regular file, how to open it) of every member."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bundle:
            for info in bundle.infolist():
                if not info.is_dir():
                    link = (info.external_attr >> 28) == 0o12
                    yield info.filename, not link, partial(bundle.open, info)
    else:
        with tarfile.open(archive, "r:*") as bundle:
            for info in bundle:
                if not info.isdir():
                    yield info.name, info.isfile(), partial(bundle.extractfile, info)


def _inside(folder: Path, relative: str, what: str) -> Path:
    """The path of a target below `folder`; ValueError for a name that is made to get out."""
    path = PurePosixPath(relative.replace("\\", "/"))
    if path.is_absolute() or not path.parts or ".." in path.parts or ":" in path.parts[0]:
        raise ValueError(f"{what} would be written outside its folder; do not trust this archive")
    return folder / path
