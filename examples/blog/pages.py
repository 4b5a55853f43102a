"""What all pages share: filters, and the page of an error."""

import re
from datetime import datetime

from markupsafe import Markup, escape

from flasgo import Flasgo, HTTPException, render_template

from .settings import BlogSettings

SENTENCES = {
    403: "You may not do that.",
    404: "There is no such page.",
    405: "That cannot be done here.",
    413: "That is too large. Pictures may have 4 MB.",
    429: "That was tried too often. Wait a little, then try again.",
}


def furnish(app: Flasgo[BlogSettings]) -> None:
    """Give the application its filters and its error page."""
    app.add_template_filter(paragraphs)
    app.add_template_filter(day)
    app.errorhandler(HTTPException)(error_page)


def paragraphs(text: str) -> Markup:
    """Plain text as HTML: empty lines part paragraphs, everything is escaped."""
    parts = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    lines = (Markup("<br>").join(part.split("\n")) for part in parts)
    return Markup("\n").join(Markup("<p>{}</p>").format(line) for line in lines)


def day(moment: datetime) -> Markup:
    """A date, for people and for machines."""
    shown = f"{moment.day} {moment:%B %Y}"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), escape(shown))


def error_page(error: HTTPException) -> tuple[Markup, int, dict[str, str]]:
    """In the manner of the blog; 401 does not come here, since strangers are sent to log in."""
    sentence = SENTENCES.get(error.status_code, error.detail or "Something went wrong.")
    page = render_template("error.html", error=error, sentence=sentence)
    return page, error.status_code, error.headers
