"""A web server on this machine that misbehaves on request, and archives for it to serve."""

import io
import tarfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """One file and how the server treats it; `asked` collects the Range header of every request (None without)."""

    body: bytes = b""
    etag: str = '"v1"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # cut the connection after so many bytes, once for each entry
    statuses: list[int] = field(default_factory=list)  # answer with these first
    length: bool = True
    slow: float = 0.0  # pause after every 10 kB
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(site: Site):
    """Serve the site on 127.0.0.1 while the block runs; site.url is its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append(self.headers.get("Range"))
            if site.statuses:
                return self.send_error(site.statuses.pop(0))
            start = self._start()
            if start is not None and start >= len(site.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(site.body)}")
                return self.end_headers()
            self._send(start or 0, start is not None)

        def _start(self):
            same = self.headers.get("If-Range") == site.etag
            asked = self.headers.get("Range")
            return int(asked[6:-1]) if asked and same and site.ranges else None

        def _send(self, start, partial):
            body = site.body[start:]
            self.send_response(206 if partial else 200)
            if partial:
                self.send_header("Content-Range", f"bytes {start}-{len(site.body) - 1}/{len(site.body)}")
            if site.etag:
                self.send_header("ETag", site.etag)
            if site.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            body = body[: site.cuts.pop(0)] if site.cuts else body
            for at in range(0, len(body), 10_000):
                self.wfile.write(body[at : at + 10_000])
                time.sleep(site.slow)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}/file"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def tarball(path, members, links=()):
    with tarfile.open(path, "w:gz") as bundle:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            bundle.addfile(info, io.BytesIO(content))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            bundle.addfile(info)
    return path


def left_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
