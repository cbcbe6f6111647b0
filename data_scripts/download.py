"""Downloading one file: resumed where it was cut, verified before it gets its name, never left half-written.

It is our own because pooch, which we would rather use, cannot resume: it asks for the whole file on every try and
throws away what a failed try brought. Some archives here have gigabytes; over a line that is cut now and then such a
download would never end.
"""

import http.client
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from mmlib.data.folders import sha256

UNSEEN = "unseen"
"""Instead of a sha256 that nobody had seen."""

CHUNK = 1 << 20
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_CUT = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


class NoNetwork(ConnectionError):
    """The server could not be reached, or the connection was cut again and again; running again resumes."""


class WrongBytes(ValueError):
    """What arrived is not what was published: another sha256, or another file behind the address."""


def download(
    url: str, target: Path, digest: str = UNSEEN, *, tries: int = 4, timeout: float = 30, pause: float = 0.5
) -> Path:
    """Fetch `url` into `target` and return it.

    Bytes go to `<target>.part`; a cut connection is resumed by an HTTP range request, also by a later call, and only if
    the server still holds the same file (ETag or Last-Modified). `digest`, a sha256 or UNSEEN, is checked before the
    file gets its name; a file that is already there and matches is not fetched again. Raises NoNetwork after `tries`
    attempts that brought nothing new, WrongBytes for a digest that differs (the bytes are thrown away),
    FileNotFoundError where the server says that there is no such file, PermissionError where it refuses.
    """
    if target.is_file() and digest in (UNSEEN, sha256(target)):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    failures, most = 0, 0
    while not _attempt(url, part, timeout):
        have = part.stat().st_size if part.is_file() else 0
        failures = 0 if have > most else failures + 1
        most = max(have, most)
        if failures >= tries:
            raise NoNetwork(
                f"no connection to {url} in {tries} tries; check the network and run the same command again"
            )
        time.sleep(pause * 2**failures)
    got = sha256(part)
    if digest not in (UNSEEN, got):
        _discard(part)
        raise WrongBytes(
            f"{url}: expected sha256 {digest}, got {got}; the bytes were thrown away. Run again; if it repeats, the "
            "file at that address has changed, and should be looked at before its hash is accepted"
        )
    os.replace(part, target)
    _validator_file(part).unlink(missing_ok=True)
    return target


def _attempt(url: str, part: Path, timeout: float) -> bool:
    """One connection: append what comes. True once the file is whole, False if another try may help."""
    have, validator = _resumable(part)
    headers = {"User-Agent": "fuse-flow-refer/1", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout) as response:
            if response.status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                _discard(part)
                return False
            if response.status != 206:
                _discard(part)
                have = 0
            length = response.headers.get("Content-Length")
            total = have + int(length) if length else None
            _remember(part, response)
            _copy(response, part, have, total)
    except urllib.error.HTTPError as error:
        return _refused(error, url, part, have)
    except _CUT as error:
        print(f"  no connection, or cut: {error}", file=sys.stderr)
        return False
    return total is None or part.stat().st_size == total


def _refused(error: urllib.error.HTTPError, url: str, part: Path, have: int) -> bool:
    """What an HTTP error means: the file is whole (True), try again (False), or an exception that says what to do."""
    error.close()
    if error.code == 416:  # asked to go on behind the end: either everything is here already, or it is another file
        whole = error.headers.get("Content-Range") == f"bytes */{have}"
        if not whole:
            _discard(part)
        return whole
    if error.code in _TRANSIENT:
        print(f"  server: {error.code} {error.reason}", file=sys.stderr)
        return False
    if error.code in (401, 403, 407, 451):
        raise PermissionError(
            f"{url}: the server refuses ({error.code} {error.reason}); open it in a browser to see why"
        )
    raise FileNotFoundError(f"{url}: the server has no such file ({error.code} {error.reason}); the address has moved")


def _copy(response: http.client.HTTPResponse, part: Path, have: int, total: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    if total and total - have > free:
        raise OSError(
            f"{part.parent}: {(total - have) / 1e6:.0f} MB to fetch, {free / 1e6:.0f} MB free; make room first"
        )
    with open(part, "ab") as file, tqdm(total=total, initial=have, unit="B", unit_scale=True, mininterval=5) as bar:
        while chunk := response.read1(CHUNK):  # what has come by now, so that a kill loses little
            file.write(chunk)
            bar.update(len(chunk))


def _resumable(part: Path) -> tuple[int, str]:
    """How many bytes to build on, and the validator that proves they belong to the same file; (0, "") to start anew."""
    note = _validator_file(part)
    if part.is_file() and note.is_file() and (validator := note.read_text()):
        return part.stat().st_size, validator
    return 0, ""


def _remember(part: Path, response: http.client.HTTPResponse) -> None:
    etag = response.headers.get("ETag", "")
    strong = "" if etag.startswith("W/") else etag  # a weak one must not be used with If-Range
    _validator_file(part).write_text(strong or response.headers.get("Last-Modified", ""))


def _validator_file(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator_file(part).unlink(missing_ok=True)
