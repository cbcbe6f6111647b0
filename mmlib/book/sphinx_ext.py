"""A Sphinx extension that keeps the pages self-contained.

Jupyter Book switches sphinx-thebe on; even unused it puts a script with another host's address on every page.
"""

from __future__ import annotations

from typing import Any


def _without_thebe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Drop thebe's scripts from one page's context."""
    kept = [
        script for script in context.get("script_files", []) if "thebe" not in str(getattr(script, "filename", script))
    ]
    bodies = [script for script in kept if "thebe" not in str(getattr(script, "attributes", {}).get("body", ""))]
    context["script_files"] = bodies


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx; late, so that every other extension has added its scripts."""
    app.connect("html-page-context", _without_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
