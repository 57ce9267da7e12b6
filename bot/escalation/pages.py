"""Pages that staff open by a signed link: one document, no script, nothing fetched, nothing kept by the browser."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from flask import Response, make_response, render_template

_TEMPLATES = Path(__file__).resolve().parent / "templates"


class Pages:
    """Renders templates with the common style and, if named, one more sheet."""

    def __init__(self, sheet: str = "") -> None:
        names = ["alert_page.css", *([sheet] if sheet else [])]
        self._style = "".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in names)
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._policy = (  # one document and no request more: the phone may have a poor line
            f"default-src 'none'; style-src 'sha256-{digest}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )

    def show(self, template: str, status: int, **values: Any) -> Response:
        """The page; no program may keep or list it."""
        response = make_response(render_template(template, style=self._style, **values), status)
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    def problem(self, status: int, title: str, text: str, *, note: str = "") -> Response:
        """A page that says what is wrong and what to do."""
        return self.show("alert_problem.html", status, title=title, text=text, note=note)
