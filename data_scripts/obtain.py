"""Get a real data set from its home or from a copy, verify it, arrange it, or say why not and what to do.

python data_scripts/obtain.py msrs [--from FOLDER | --adopt | --check] [--data FOLDER]
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from archives import unpack
from download import UNSEEN, WrongBytes, download
from recipes import RECIPES, Recipe, Source

from mmlib.data.folders import FOLDERS, REPOSITORY, DataMissing, read_manifest, sha256, verify_all
from mmlib.files import read_json, replace_file

LOCK = REPOSITORY / "data_scripts" / "lock.json"
"""Hashes of what nobody had seen when a recipe was written, pinned at the first download; meant to be committed."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0 the set is there and verified, 1 it is not."""
    args = arguments().parse_args(argv)
    recipe = RECIPES[args.name]
    target = (args.data or Path(os.environ.get("MMLIB_DATA") or REPOSITORY / "data")) / FOLDERS[args.name]
    try:
        if args.check:
            return check(args.name, target)
        if args.adopt:
            adopt(recipe, target)
        elif args.source:
            from_copy(args.source, target)
        elif whole(recipe, target):
            print(f"{args.name}: already there and verified: {target}")
            return 0
        else:
            from_home(args.name, recipe, target)
    except (ValueError, OSError) as error:  # no network, no such file, wrong bytes, another layout
        print(f"{args.name}: {error}", file=sys.stderr)
        explain(args.name, recipe, target)
        return 1
    except KeyboardInterrupt:
        print(f"{args.name}: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"{args.name}: arranged and verified in {target}")
    return 0


def arguments() -> argparse.ArgumentParser:
    """What the command line knows."""
    listed = "\n".join(f"  {name:12}{recipe.about}\n{'':14}Terms: {recipe.terms}" for name, recipe in RECIPES.items())
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog=f"sets:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=tuple(RECIPES), metavar="NAME", help="one of the sets below")
    copy = "arrange from a copy (the set's folder, or one that holds it), by its MANIFEST.sha256"
    parser.add_argument("--from", dest="source", type=Path, metavar="FOLDER", help=copy)
    parser.add_argument("--adopt", action="store_true", help="count and sign a folder that was unpacked by hand")
    parser.add_argument("--check", action="store_true", help="verify the installed set, change nothing")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data root (default: $MMLIB_DATA, else data/)")
    return parser


# --- four ways


def check(name: str, target: Path) -> int:
    """Compare every file with the manifest and print what differs; 0 if nothing does."""
    if not target.is_dir():
        raise DataMissing(f"{target} does not exist")
    problems = verify_all(target)
    for problem in problems:
        print(f"{name}: {problem}")
    print(f"{name}: {f'{len(problems)} problems' if problems else 'every file is as published'} in {target}")
    return 1 if problems else 0


def adopt(recipe: Recipe, target: Path) -> None:
    """Take over a folder that a person filled: finish, count and sign it; what was signed before must be unchanged."""
    if not target.is_dir():
        raise DataMissing(f"{target} does not exist; unpack the set there first")
    if read_manifest(target):
        require(verify_all(target), "what was signed before has changed")
    if recipe.finish:
        recipe.finish(target)
    require(miscounted(recipe.counts, target), f"{target} is not complete")
    sign(recipe, target)


def from_copy(source: Path, target: Path) -> None:
    """Copy what the manifest of a copy lists, and verify it on both sides."""
    if (source / target.name).is_dir():
        source = source / target.name
    if not source.is_dir():
        raise DataMissing(f"{source} is not a folder; give the set's folder, or one that holds {target.name}/")
    require_vacant(target)
    require(verify_all(source), f"the copy in {source} is not whole")
    with workshop(target) as work:
        for name in (*read_manifest(source), "MANIFEST.sha256"):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, work / name)
        require(verify_all(work), f"copying {source} went wrong")


def from_home(name: str, recipe: Recipe, target: Path) -> None:
    """Fetch the files (or take those that a person put there), arrange them, and throw away what was fetched."""
    require_vacant(target)
    store = target.parent / ".downloads"
    fresh = not target.parent.exists()
    archives = {}
    try:
        for source in recipe.sources:
            path = placed(source, store) if source.by_hand else fetched(source, store)
            if path:
                archives[source] = path
        ours = {source: path for source, path in archives.items() if not source.by_hand}
        try:
            arrange_set(name, recipe, archives, target)
        except ValueError:  # not what was seen: keep nothing that a later run would trust again
            for source, path in ours.items():
                if source.sha256 == UNSEEN:
                    path.unlink(missing_ok=True)
            raise
        for path in ours.values():
            path.unlink()
    finally:
        for folder in (store, *([target.parent] if fresh else [])):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


# --- steps


def fetched(source: Source, store: Path) -> Path:
    """A file from the network."""
    print(f"fetching {source.url} ({source.known})")
    return download(source.url, store / source.name, source.sha256)


def placed(source: Source, store: Path) -> Path | None:
    """A file that a person put there, if it is the right one; None for an optional one that is absent."""
    archive = store / source.name
    if not archive.is_file():
        if source.optional:
            return None
        raise DataMissing(f"expected {archive}; get it by hand from {source.url}, put it there and run again")
    if source.sha256 != UNSEEN and (got := sha256(archive)) != source.sha256:
        raise WrongBytes(
            f"{archive}: expected sha256 {source.sha256}, got {got}; get it again, or another release came"
        )
    return archive


def arrange_set(name: str, recipe: Recipe, archives: dict[Source, Path], target: Path) -> None:
    """Unpack, finish, verify and sign the set in a folder beside the target, which then takes its name."""
    with workshop(target) as work:
        for source, archive in archives.items():
            if source.take:
                print(f"  {unpack(archive, source.take, work)} files from {archive.name}")
            else:
                shutil.copyfile(archive, work / source.name)
        if recipe.finish:
            recipe.finish(work)
        require(miscounted(recipe.counts, work), "the arranged set is not complete")
        if not recipe.finish_verifies:
            extras = "".join(f"+{source.name}" for source in archives if source.optional)
            pin(name + extras, tree_digest(work), recipe.digest)
        sign(recipe, work)


@contextmanager
def workshop(target: Path) -> Iterator[Path]:
    """A folder beside the target that becomes the target if all goes well, and is removed if anything does not."""
    folder = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
        if target.is_dir():
            target.rmdir()  # empty: require_vacant saw to that
        os.replace(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require(problems: list[str], what: str) -> None:
    """ValueError with the first problems, if there are any."""
    if problems:
        raise ValueError(f"{what}: {'; '.join(problems[:5])} ({len(problems)} in all)")


def require_vacant(target: Path) -> None:
    """Never write into, or over, a folder that somebody may have filled by hand."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(
            f"{target} is there already, but is not this set, whole and verified: "
            "see --check, then move it away and run again"
        )


# --- what a set is


def whole(recipe: Recipe, target: Path) -> bool:
    """Whether the set is there and as it was signed, and counted, too: a recipe may have grown since then."""
    return (target / "MANIFEST.sha256").is_file() and not verify_all(target) and not miscounted(recipe.counts, target)


def files_of_set(folder: Path) -> list[Path]:
    """The files of a set: not what describes it, and not the flows that were computed beside it."""
    aside = {"MANIFEST.sha256", "SOURCE.txt", "README.md"}
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in aside]
    return [path for path in files if path.relative_to(folder).parts[0] != "flow"]


def tree_digest(folder: Path) -> str:
    """sha256 over "<sha256>  <path>" of every file of a set, sorted by path."""
    names = sorted(path.relative_to(folder).as_posix() for path in files_of_set(folder))
    lines = [f"{sha256(folder / name)}  {name}" for name in names]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def miscounted(counts: dict[str, int], folder: Path) -> list[str]:
    """Subfolders that do not hold as many files as they should, as sentences."""
    found = {sub: sum(path.is_file() for path in (folder / sub).rglob("*")) for sub in counts}
    return [f"{sub or '.'}: expected {n} files, got {found[sub]}" for sub, n in counts.items() if found[sub] != n]


def pin(key: str, got: str, expected: str) -> None:
    """Compare a hash with what was seen, else with what was pinned; pin it if there was neither."""
    lock = read_json(LOCK) if LOCK.is_file() else {}
    if expected == UNSEEN:
        expected = lock.get(key, UNSEEN)
    if expected == UNSEEN:
        replace_file(LOCK, (json.dumps(lock | {key: got}, indent=1, sort_keys=True) + "\n").encode())
        print(f"  sha256 of {key} was unseen; pinned {got[:12]}... in {LOCK} (commit it)")
    elif got != expected:
        raise WrongBytes(f"{key}: expected sha256 {expected}, got {got}; its home has changed: look at it first")


def sign(recipe: Recipe, folder: Path) -> None:
    """Write SOURCE.txt and MANIFEST.sha256: where it came from, and what every file was when it came."""
    homes = "\n".join(f"- {source.url} ({source.known})" for source in recipe.sources)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    (folder / "SOURCE.txt").write_text(f"{recipe.about}\n\nObtained {day} from\n{homes}\n\nTerms: {recipe.terms}\n")
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}" for path in files_of_set(folder)]
    (folder / "MANIFEST.sha256").write_text("\n".join(lines) + "\n")


def explain(name: str, recipe: Recipe, target: Path) -> None:
    """What is missing and what to do: printed whenever a set could not be obtained."""
    command = f"python data_scripts/obtain.py {name}"
    steps = [f"from a copy: {command} --from FOLDER"]
    if all(source.by_hand for source in recipe.sources):
        steps += [f"unpacked by hand into {target}: {command} --adopt"]
    else:
        steps = [f"with a network: {command}   (resumes where it stopped)", *steps]
    lines = [f"\nMissing: {target}", recipe.about, "", "What you can do:"]
    lines += [f"- {step}" for step in (*steps, *recipe.manual)]
    lines += [f"Home: {source.url}\n      {source.known}, sha256 {source.sha256}" for source in recipe.sources]
    if recipe.only_in_pack:
        lines.append(f"Not at these homes: {recipe.only_in_pack}")
    print("\n".join([*lines, f"Terms: {recipe.terms}"]), file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
