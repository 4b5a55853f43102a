"""`flasgo cmd app.py add-sample-posts`: something to look at."""

import secrets
from contextlib import closing
from typing import cast

import click

from flasgo import current_app, hash_password

from .database import Database, connect
from .settings import BlogSettings

POSTS = (
    (
        "Bread that waits for you",
        (
            "Most of the work in bread is done by waiting. Flour, water, salt and a little yeast, stirred for a minute in the evening, "
            "become dough while you sleep.\n\nIn the morning it is soft, sour and patient. Shape it, let it rest once more, and bake it hot "
            "in a closed pot.\n\nThe first loaf will be flat. Bake the second."
        ),
    ),
    (
        "A shelf without nails",
        (
            "Three boards, two strings, one wall. The boards hang in loops, and the weight of the books holds them level.\n\n"
            "Measure twice, tie once: a knot remembers where it has been."
        ),
    ),
    (
        "Letters from the allotment",
        (
            "The beans are up. So are the snails.\n\nI have put a board beside the bed, wet side down; they gather under it by day, and each "
            "evening I carry them to the far end of the meadow. They come back, I think. We have an understanding."
        ),
    ),
)


@click.command("add-sample-posts")
def add_sample_posts() -> None:
    """Add an author and some posts."""
    settings = cast("BlogSettings", current_app.settings)
    password = secrets.token_urlsafe(12)
    with closing(connect(settings.data)) as connection:
        database = Database(connection)
        author = database.add_author("ada", hash_password(password))
        if author is None:
            raise click.ClickException("They are there already.")
        for title, body in POSTS:
            database.add_post(str(author.id), title, body, None, "")
    click.echo(f"Log in as ada with the password {password}")
