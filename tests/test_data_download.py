"""Downloading and unpacking: cut connections, wrong bytes, wicked archives, no network; nothing is half-written."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile

import archives
import pytest
from download import NoNetwork, WrongBytes, download
from web import Site, left_in, serving, tarball

from mmlib.files import ROOT

BODY = os.urandom(200_000)
DIGEST = hashlib.sha256(BODY).hexdigest()


def fetch(site, target, digest=DIGEST, **options):
    return download(site.url, target, digest, pause=0.01, timeout=5, **options)


# --- one file


def test_a_download_is_verified_named_and_not_repeated(tmp_path):
    with serving(Site(BODY)) as site:
        assert fetch(site, tmp_path / "a/file").read_bytes() == BODY
        fetch(site, tmp_path / "a/file")
    assert site.asked == [None] and left_in(tmp_path) == ["a/file"]


def test_a_cut_connection_is_resumed_where_it_was_cut(tmp_path):
    with serving(Site(BODY, cuts=[50_000, 70_000])) as site:
        fetch(site, tmp_path / "file")
    assert site.asked == [None, "bytes=50000-", "bytes=120000-"] and left_in(tmp_path) == ["file"]


def test_a_later_run_resumes_an_earlier_one(tmp_path):
    with serving(Site(BODY, cuts=[50_000, 0, 0])) as site:
        with pytest.raises(NoNetwork, match="run the same command again"):
            fetch(site, tmp_path / "file", tries=2)
        assert left_in(tmp_path) == ["file.part", "file.part.etag"]
        fetch(site, tmp_path / "file")
    assert site.asked[-1] == "bytes=50000-" and (tmp_path / "file").read_bytes() == BODY


def test_a_changed_file_is_not_glued_to_the_old_half(tmp_path):
    with serving(Site(os.urandom(200_000), cuts=[50_000, 0, 0])) as site:
        with pytest.raises(NoNetwork):
            fetch(site, tmp_path / "file", tries=2)
        site.body, site.etag = BODY, '"v2"'
        fetch(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("site", [Site(BODY, ranges=False, cuts=[50_000]), Site(BODY, etag="", cuts=[50_000])])
def test_servers_that_cannot_resume_are_asked_from_the_start(tmp_path, site):
    with serving(site):
        assert fetch(site, tmp_path / "file").read_bytes() == BODY


def test_killed_after_the_last_byte(tmp_path):
    (tmp_path / "file.part").write_bytes(BODY)
    (tmp_path / "file.part.etag").write_text('"v1"')
    with serving(Site(BODY)) as site:
        fetch(site, tmp_path / "file")
    assert site.asked == ["bytes=200000-"] and (tmp_path / "file").read_bytes() == BODY


def test_a_part_that_is_longer_than_the_file_starts_anew(tmp_path):
    (tmp_path / "file.part").write_bytes(BODY + b"more")
    (tmp_path / "file.part.etag").write_text('"v1"')
    with serving(Site(BODY)) as site:
        assert fetch(site, tmp_path / "file").read_bytes() == BODY


def test_wrong_bytes_are_thrown_away(tmp_path):
    with serving(Site(BODY)) as site, pytest.raises(WrongBytes, match="expected sha256 00000.*thrown away"):
        fetch(site, tmp_path / "file", "0" * 64)
    assert left_in(tmp_path) == []


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(tmp_path):
    with serving(Site(BODY, statuses=[503, 429])) as site:
        fetch(site, tmp_path / "file")
    assert len(site.asked) == 3
    with serving(Site(statuses=[404])) as site, pytest.raises(FileNotFoundError, match="no such file .404"):
        fetch(site, tmp_path / "other")
    assert len(site.asked) == 1
    with serving(Site(statuses=[403])) as site, pytest.raises(PermissionError, match="refuses .403"):
        fetch(site, tmp_path / "other")


def test_no_network_leaves_nothing(tmp_path):
    with pytest.raises(NoNetwork, match="no connection to http://127.0.0.1:9/"):
        download("http://127.0.0.1:9/file", tmp_path / "file", pause=0.01, tries=2, timeout=1)
    assert left_in(tmp_path) == []


def test_killed_in_the_middle_by_the_system(tmp_path):
    code = "import sys; from pathlib import Path; from download import download; "
    code += "download(sys.argv[1], Path(sys.argv[2]), sys.argv[3])"
    part = tmp_path / "file.part"
    with serving(Site(BODY, slow=0.2)) as site:
        child = subprocess.Popen(
            [sys.executable, "-c", code, site.url, str(tmp_path / "file"), DIGEST], cwd=ROOT / "data_scripts"
        )
        deadline = time.monotonic() + 60
        while not (part.is_file() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert part.stat().st_size < len(BODY) and not (tmp_path / "file").exists()
        site.slow = 0
        fetch(site, tmp_path / "file")
    assert site.asked[-1].startswith("bytes=") and (tmp_path / "file").read_bytes() == BODY


# --- archives


def test_only_what_is_wanted_is_unpacked(tmp_path):
    members = {"r-1/vi/a.png": b"a", "r-1/vi/b.png": b"b", "r-1/secret.txt": b"no"}
    rule = [(r"[^/]+/vi/(.+\.png)", r"rgb/\1")]
    assert archives.unpack(tarball(tmp_path / "a.tgz", members), rule, tmp_path / "out") == 2
    assert left_in(tmp_path / "out") == ["rgb/a.png", "rgb/b.png"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    assert archives.unpack(tmp_path / "a.zip", rule, tmp_path / "out2") == 2


@pytest.mark.parametrize("name", ["r/../../evil", "/evil", "r/C:/evil", "r/..\\..\\evil"])
def test_names_that_lead_outside(tmp_path, name):
    path = tarball(tmp_path / "a.tgz", {name: b"x"})
    with pytest.raises(ValueError, match="outside its folder; do not trust"):
        archives.unpack(path, [(r"(?:r/)?(.*)", r"\1")], tmp_path / "in/out")
    assert left_in(tmp_path) == ["a.tgz"]


def test_links_are_refused_and_unwanted_ones_ignored(tmp_path):
    path = tarball(tmp_path / "a.tgz", {"r/a": b"x"}, links=[("r/link", "/etc/passwd")])
    assert archives.unpack(path, [(r"r/(a)", r"\1")], tmp_path / "one") == 1
    with pytest.raises(ValueError, match="'r/link' is a link or a device"):
        archives.unpack(path, [(r"r/(.*)", r"\1")], tmp_path / "two")


def test_damaged_archives_and_other_layouts(tmp_path):
    path = tarball(tmp_path / "a.tgz", {"r/a": BODY, "r/b": BODY})
    (tmp_path / "cut.tgz").write_bytes(path.read_bytes()[:250_000])
    (tmp_path / "page.tgz").write_text("<html>")
    for name in ("cut", "page"):
        with pytest.raises(archives.DamagedArchive, match="damaged or cut short"):
            archives.unpack(tmp_path / f"{name}.tgz", [(r"r/(.*)", r"\1")], tmp_path / name)
    with pytest.raises(ValueError, match="nothing matches .*not the one that was seen"):
        archives.unpack(path, [(r"r/(.*)", r"\1"), ("other/.*", "x")], tmp_path / "other")
    with pytest.raises(ValueError, match="two members for"):
        archives.unpack(path, [("r/.*", "same")], tmp_path / "same")
