"""What the scripts in data_scripts/ do: get a real set from its home or from a copy, verify it, arrange it, or say
why not."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmlib.data.archives import Take, unpack
from mmlib.data.download import NoNetwork, WrongBytes, download, same_digest
from mmlib.data.folders import REPOSITORY, DataMissing, read_manifest, sha256, verify_all
from mmlib.data.signing import describe, miscounted, tree_digest

LOCK = REPOSITORY / "data_scripts" / "lock.json"
"""Hashes of what nobody had seen when a script was written, pinned at the first download; meant to be committed."""


@dataclass(frozen=True)
class Source:
    """One file to download and what to take from it (`take` empty: the file itself, as `name`).

    `sha256` in full or "first..last"; None = unseen: then the arranged set's digest counts. `known`: how the address is
    known, "seen" or "derived from ..." or "unseen". `by_hand`: the address wants a browser or an account, so a person
    puts the file into the data root's .downloads/, where it stays; `optional`: then it may be absent.
    """

    url: str
    name: str
    take: tuple[Take, ...] = ()
    sha256: str | None = None
    known: str = "seen"
    by_hand: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Recipe:
    """The facts about one set. `digest`: `tree_digest` of the arranged set; None = unseen, pinned in LOCK at first.

    `counts`: {subfolder: files} that the arranged set must have. `finish(folder)` turns what was unpacked into the
    set; where it converts files whose bytes depend on the library that writes them, it checks values itself
    (`finish_verifies`). `only_in_pack` names what the public homes do not have.
    """

    name: str
    folder: str
    about: str
    terms: str
    sources: tuple[Source, ...]
    counts: dict[str, int]
    digest: str | None = None
    finish: Callable[[Path], None] | None = None
    finish_verifies: bool = False
    only_in_pack: str = ""
    manual: tuple[str, ...] = ()


def github(repository: str, commit: str, *take: Take) -> Source:
    """A repository at a commit, as GitHub's tarball; its archive's own bytes may change, so the arranged set is
    hashed."""
    return Source(
        f"https://codeload.github.com/{repository}/tar.gz/{commit}",
        f"{repository.replace('/', '-')}-{commit[:12]}.tar.gz",
        tuple((rf"[^/]+/{pattern}", target) for pattern, target in take),
        known="address derived from repository and commit",
    )


def main(recipe: Recipe, argv: Sequence[str] | None = None) -> int:
    """The command line of one script; returns the exit code: 0 the set is there and verified, 1 it is not."""
    args = _arguments(recipe, argv)
    target = _root(args.data) / recipe.folder
    try:
        if args.check:
            return _check(recipe, target)
        if args.adopt:
            return _adopt(recipe, target)
        if args.source:
            return _from_copy(recipe, args.source, target)
        return _from_home(recipe, target)
    except (NoNetwork, PermissionError, FileNotFoundError, WrongBytes, ValueError, OSError) as error:
        print(f"{recipe.name}: {error}", file=sys.stderr)
        _explain(recipe, target)
        return 1


def _arguments(recipe: Recipe, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=recipe.about, epilog=f"Terms: {recipe.terms}")
    copy = "arrange from a copy (the set's folder, or one that holds it), by its MANIFEST.sha256"
    parser.add_argument("--from", dest="source", type=Path, metavar="FOLDER", help=copy)
    parser.add_argument("--adopt", action="store_true", help="count and sign a folder that was unpacked by hand")
    parser.add_argument("--check", action="store_true", help="verify the installed set, change nothing")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data root (default: $MMLIB_DATA, else data/)")
    return parser.parse_args(argv)


def _root(asked: Path | None) -> Path:
    return asked or Path(os.environ.get("MMLIB_DATA") or REPOSITORY / "data")


def _check(recipe: Recipe, target: Path) -> int:
    if not target.is_dir():
        raise DataMissing(f"{target} does not exist")
    problems = verify_all(target)
    for problem in problems:
        print(f"{recipe.name}: {problem}")
    print(f"{recipe.name}: {f'{len(problems)} problems' if problems else 'every file is as published'} in {target}")
    return 1 if problems else 0


def _adopt(recipe: Recipe, target: Path) -> int:
    """Take over a folder that a person filled: finish, count and sign it; what was signed before must be unchanged."""
    if not target.is_dir():
        raise DataMissing(f"{target} does not exist; unpack the set there first")
    if read_manifest(target):
        _require(verify_all(target), "what was signed before has changed")
    if recipe.finish:
        recipe.finish(target)
    _require(miscounted(recipe.counts, target), f"{target} is not complete")
    _sign(recipe, target)
    return _done(recipe, target)


def _from_copy(recipe: Recipe, source: Path, target: Path) -> int:
    source = source / recipe.folder if (source / recipe.folder).is_dir() else source
    if not source.is_dir():
        raise DataMissing(f"{source} is not a folder; give the set's folder, or one that holds {recipe.folder}/")
    _require_vacant(recipe, target)
    problems = verify_all(source)
    if problems:
        raise ValueError(f"the copy in {source} is not whole: {'; '.join(problems[:5])} ({len(problems)} in all)")
    with _Workshop(target) as work:
        for name in (*read_manifest(source), "MANIFEST.sha256"):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, work / name)
        _require(verify_all(work), f"copying {source} went wrong")
    return _done(recipe, target)


def _from_home(recipe: Recipe, target: Path) -> int:
    if target.is_dir() and (target / "MANIFEST.sha256").is_file() and not verify_all(target):
        print(f"{recipe.name}: already there and verified: {target}")
        return 0
    _require_vacant(recipe, target)
    store = target.parent / ".downloads"
    fresh = not target.parent.exists()
    try:
        archives = {s: path for s in recipe.sources if (path := _fetch(s, store))}
    finally:
        _remove_if_empty(store)
        if fresh:
            _remove_if_empty(target.parent)
    try:
        _arrange(recipe, archives, target)
    except ValueError:  # not what was seen: keep nothing that a later run would trust again
        for source, archive in archives.items():
            if source.sha256 is None and not source.by_hand:
                archive.unlink(missing_ok=True)
        raise
    for source, archive in archives.items():
        if not source.by_hand:
            archive.unlink()
    _remove_if_empty(store)
    return _done(recipe, target)


def _arrange(recipe: Recipe, archives: dict[Source, Path], target: Path) -> None:
    """Unpack, finish, verify and sign the set in a folder beside the target, which then takes its name."""
    with _Workshop(target) as work:
        for source, archive in archives.items():
            if source.take:
                print(f"  {unpack(archive, source.take, work)} files from {archive.name}")
            else:
                shutil.copyfile(archive, work / source.name)
        if recipe.finish:
            recipe.finish(work)
        _require(miscounted(recipe.counts, work), "the arranged set is not complete")
        if not recipe.finish_verifies:
            extras = (f"+{source.name}" for source in archives if source.optional)
            _pin("".join([recipe.name, *extras]), tree_digest(work), recipe.digest)
        _sign(recipe, work)


def _fetch(source: Source, store: Path) -> Path | None:
    if source.by_hand:
        return _placed(source, store / source.name)
    print(f"fetching {source.url} ({source.known})")
    return download(source.url, store / source.name, source.sha256)


def _placed(source: Source, archive: Path) -> Path | None:
    """A file that a person put there, if it is the right one; None for an optional one that is absent."""
    if not archive.is_file():
        if source.optional:
            return None
        raise DataMissing(f"expected {archive}; get it by hand from {source.url}, put it there and run again")
    if source.sha256 and not same_digest(got := sha256(archive), source.sha256):
        raise WrongBytes(
            f"{archive}: expected sha256 {source.sha256}, got {got}; get it again, or another release came"
        )
    return archive


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _pin(key: str, got: str, expected: str | None) -> None:
    """Compare a hash with what was seen, else with what was pinned; pin it if there was neither."""
    lock = json.loads(LOCK.read_text()) if LOCK.is_file() else {}
    expected = expected or lock.get(key)
    if expected is None:
        _write_atomically(LOCK, json.dumps(dict(sorted({**lock, key: got}.items())), indent=1) + "\n")
        print(f"  sha256 of {key} was unseen; pinned {got[:12]}... in {LOCK} (commit it)")
    elif got != expected:
        raise WrongBytes(f"{key}: expected sha256 {expected}, got {got}; its home has changed: look at it first")


def _sign(recipe: Recipe, folder: Path) -> None:
    homes = [f"{source.url} ({source.known})" for source in recipe.sources]
    describe(folder, recipe.about, homes, recipe.terms)


def _require(problems: list[str], what: str) -> None:
    if problems:
        raise ValueError(f"{what}: {'; '.join(problems[:5])} ({len(problems)} in all)")


def _require_vacant(recipe: Recipe, target: Path) -> None:
    """Never write into, or over, a folder that somebody may have filled by hand."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(
            f"{target} is there already, but is not this set, whole and verified: "
            "see --check, then move it away and run again"
        )


def _done(recipe: Recipe, target: Path) -> int:
    print(f"{recipe.name}: arranged and verified in {target}")
    return 0


def _explain(recipe: Recipe, target: Path) -> None:
    """What is missing and what to do: printed whenever the set could not be obtained."""
    print(f"\nMissing: {target}\n{recipe.about}\n\nWhat you can do:", file=sys.stderr)
    script = f"python data_scripts/{recipe.name}.py"
    steps = [f"from a copy: {script} --from FOLDER"]
    if all(source.by_hand for source in recipe.sources):
        steps += [f"unpacked by hand into {target}: {script} --adopt"]
    else:
        steps.insert(0, f"with a network: {script}   (resumes where it stopped)")
    for step in (*steps, *recipe.manual):
        print(f"- {step}", file=sys.stderr)
    for source in recipe.sources:
        print(f"Home: {source.url}\n      {source.known}, sha256 {source.sha256 or 'unseen'}", file=sys.stderr)
    if recipe.only_in_pack:
        print(f"Not at these homes: {recipe.only_in_pack}", file=sys.stderr)
    print(f"Terms: {recipe.terms}", file=sys.stderr)


def _write_atomically(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    os.replace(part, path)


class _Workshop:
    """A folder beside the target that becomes the target if all goes well, and is removed if anything does not."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target.with_name(f".{target.name}.unpacking")

    def __enter__(self) -> Path:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self.folder

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            if self.target.is_dir():
                self.target.rmdir()  # empty: _require_vacant saw to that
            os.replace(self.folder, self.target)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
