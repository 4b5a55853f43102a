"""What all pages share: filters, and the page of an error."""

from datetime import UTC, datetime

from markupsafe import Markup

from flasgo import Flasgo, HTTPException, render_template

from .records import Service
from .settings import BoardSettings

SENTENCES = {
    403: "You may look, but not change anything here. Ask an editor.",
    404: "There is no such page.",
    405: "That cannot be done here.",
    422: "The address of this page asks for something that it does not have.",
    429: "That was tried too often. Wait a minute, then try again.",
}
MINUTE, HOUR, DAY = 60, 3600, 86_400


def furnish(app: Flasgo[BoardSettings]) -> None:
    """Give the application its filters and its error page."""
    app.add_template_filter(ago)
    app.add_template_filter(moment)
    app.add_template_global(named)
    app.errorhandler(HTTPException)(error_page)


def named(services: list[Service]) -> list[tuple[int, str]]:
    """The services as the choices of a form."""
    return [(service.id, service.name) for service in services]


def ago(at: datetime) -> Markup:
    """How long ago that was, for people; the time itself for machines, and for who points at it."""
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    if seconds < MINUTE:
        words = "just now"
    elif seconds < HOUR:
        words = f"{seconds // MINUTE} min ago"
    elif seconds < DAY:
        words = f"{seconds // HOUR} h ago"
    else:
        days = seconds // DAY
        words = "yesterday" if days == 1 else f"{days} days ago"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%-d %B %Y, %H:%M} UTC", words
    )


def moment(at: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at:%-d %b, %H:%M} UTC")


def error_page(error: HTTPException) -> tuple[Markup, int, dict[str, str]]:
    """In the manner of the dashboard; 401 does not come here, since strangers are sent to log in."""
    sentence = SENTENCES.get(error.status_code, error.detail or "Something went wrong.")
    return render_template("error.html", error=error, sentence=sentence), error.status_code, error.headers
