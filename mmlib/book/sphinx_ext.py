"""A Sphinx extension: pages that load nothing from elsewhere, and say how a link to them should look.

Jupyter Book switches sphinx-thebe on; even unused it puts a script with another host's address on every page.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any
from urllib.parse import urlsplit

CARD = "_static/card.png"
ALT = "One street of MiniStreet in four strips: as a photograph, in infrared, as motion, and as labels"


def _without_thebe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Drop thebe's scripts from one page's context."""
    kept = [
        script for script in context.get("script_files", []) if "thebe" not in str(getattr(script, "filename", script))
    ]
    bodies = [script for script in kept if "thebe" not in str(getattr(script, "attributes", {}).get("body", ""))]
    context["script_files"] = bodies


def home_of(repository: str) -> str:
    """Where GitHub Pages serves the book of https://github.com/OWNER/NAME; "" for a repository elsewhere."""
    parts = urlsplit(repository)
    words = parts.path.strip("/").split("/")
    if parts.hostname != "github.com" or len(words) != 2:
        return ""
    return f"https://{words[0].lower()}.github.io/{words[1]}/"


def _with_card(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Open Graph's tags: other sites show them for a link to the page. Browsers load nothing because of them."""
    home = home_of(app.config.html_theme_options.get("repository_url", ""))
    if not home:
        return
    title = unescape(re.sub(r"<[^>]*>", "", context.get("title") or ""))
    tags = {
        "og:type": "website",
        "og:site_name": app.config.html_title,
        "og:title": title or app.config.html_title,
        "og:url": f"{home}{page}.html",
        "og:image": home + CARD,
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": ALT,
    }
    lines = [f'<meta property="{name}" content="{escape(str(value))}">' for name, value in tags.items()]
    lines.append('<meta name="twitter:card" content="summary_large_image">')
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx; late, so that every other extension has added its scripts."""
    app.connect("html-page-context", _without_thebe, priority=900)
    app.connect("html-page-context", _with_card, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
