"""`flasgo cmd app.py fill`: a week of figures, some incidents, and two people to log in as."""

import math
import random
import secrets
from datetime import UTC, datetime, timedelta

import click

from flasgo import hash_password

from .database import Database, Opened

SERVICES = (
    ("checkout", "Payments", 2600, 180),
    ("search", "Discovery", 5200, 95),
    ("accounts", "Identity", 1900, 70),
    ("mail", "Messaging", 700, 240),
    ("images", "Media", 3900, 130),
    ("reports", "Insight", 240, 620),
)
INCIDENTS = (
    ("Payments time out for some cards", "checkout", "critical", "open", "", 2),
    ("Search shows yesterday's prices", "search", "major", "watching", "grace", 7),
    ("Welcome mails arrive late", "mail", "minor", "open", "", 11),
    ("Thumbnails are missing after upload", "images", "major", "watching", "linus", 20),
    ("Nightly report was not sent", "reports", "minor", "resolved", "grace", 31),
    ("Log-in loops on old phones", "accounts", "major", "resolved", "ada", 40),
    ("Basket forgets its last item", "checkout", "minor", "resolved", "ada", 52),
    ("Suggestions repeat themselves", "search", "minor", "resolved", "linus", 66),
    ("Refunds are booked twice", "checkout", "critical", "resolved", "grace", 75),
    ("Profile pictures are turned", "images", "minor", "resolved", "linus", 90),
    ("Certificates of the mail host expire", "mail", "major", "resolved", "ada", 101),
    ("Exports stop after 10,000 rows", "reports", "major", "resolved", "grace", 118),
    ("Index is rebuilt in working hours", "search", "major", "resolved", "linus", 130),
    ("Two-factor codes are refused", "accounts", "critical", "resolved", "ada", 149),
)
WEEK = 7 * 24


def fill(database: Opened) -> None:
    """Add a week of figures, some incidents, and two people."""
    if database.row("SELECT 1 FROM service"):
        raise click.ClickException("There is something already. Remove the file of the database first.")
    chance = random.Random(7)  # noqa: S311 - figures to look at
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    ids = {
        name: database.write("INSERT INTO service (name, team) VALUES (?, ?)", (name, team))
        for name, team, *_ in SERVICES
    }
    for name, _, requests, latency in SERVICES:
        rows = [_hour(chance, now - timedelta(hours=back), requests, latency, back) for back in range(WEEK, 0, -1)]
        database.write("INSERT INTO measure VALUES (?, ?, ?, ?, ?)", *((ids[name], *row) for row in rows))
    for title, service, severity, status, owner, back in INCIDENTS:
        opened = now - timedelta(hours=back, minutes=chance.randrange(60))
        _add(database, opened, (ids[service], title, severity, status, owner))
    for name, scopes in (("vera", ""), ("edith", "edit")):
        password = secrets.token_urlsafe(12)
        query = "INSERT INTO person (name, password_hash, scopes) VALUES (?, ?, ?)"
        database.write(query, (name, hash_password(password), scopes))
        click.echo(f"Log in as {name}, who may {'edit' if scopes else 'look'}, with the password {password}")


def _hour(chance: random.Random, at: datetime, requests: int, latency: int, back: int) -> tuple[str, int, int, float]:
    day = 0.62 + 0.38 * math.sin((at.hour - 9) / 24 * 2 * math.pi)
    bad = 6 if 2 <= back % 53 <= 4 else 1
    made = int(requests * day * chance.uniform(0.9, 1.1))
    errors = int(made * 0.004 * bad * chance.uniform(0.5, 1.6))
    return (
        at.isoformat(),
        made,
        errors,
        round(latency * (0.8 + 0.4 * day) * (1 + 0.12 * bad) * chance.uniform(0.92, 1.12), 1),
    )


def _add(database: Database, opened: datetime, incident: tuple[int, str, str, str, str]) -> None:
    *_, status, owner = incident
    resolved = (opened + timedelta(hours=5)).isoformat() if status == "resolved" else None
    note = "First seen by the on-call. The steps so far are in the history beside this."
    query = (
        "INSERT INTO incident (service_id, title, severity, status, owner, note, opened, resolved)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    )
    id_ = database.write(query, (*incident, note, opened.isoformat(), resolved))
    story = [("pager", "reported it", opened)]
    if owner:
        story.append((owner, "set it to watching", opened + timedelta(minutes=9)))
    if resolved:
        story.append((owner, "set it to resolved", opened + timedelta(hours=5)))
    query = "INSERT INTO event (incident_id, who, what, at) VALUES (?, ?, ?, ?)"
    database.write(query, *((id_, who, what, at.isoformat()) for who, what, at in story))
