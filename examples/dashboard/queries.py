"""What the pages ask of the database."""

import sqlite3
from datetime import UTC, datetime

from .database import Database
from .records import Change, Event, Hour, Incident, Service, Severity, Status, View

_INCIDENTS = "FROM incident JOIN service ON service.id = service_id"

_WHERE_STATUS = {
    "any": "",
    "unresolved": "status <> 'resolved'",
    "open": "status = 'open'",
    "watching": "status = 'watching'",
    "resolved": "status = 'resolved'",
}
_RANK = "CASE severity WHEN 'critical' THEN 0 WHEN 'major' THEN 1 ELSE 2 END"
_SORTED_BY = {
    "opened": "opened",
    "title": "title COLLATE NOCASE",
    "service": "service.name",
    "severity": _RANK,
    "status": "status",
}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def services(database: Database) -> list[Service]:
    return [
        Service(row["id"], row["name"], row["team"]) for row in database.rows("SELECT * FROM service ORDER BY name")
    ]


def incidents(database: Database, view: View, *, size: int) -> tuple[list[Incident], int]:
    """A page of incidents, and how many there are on all pages."""
    conditions, values = _conditions(view)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    # Only constants of this module stand in the SQL; what the visitor chose picks one of them, or goes as a parameter.
    order = f"{_SORTED_BY[view.sort]} {'DESC' if view.descending else 'ASC'}, incident.id DESC"
    total = database.rows(f"SELECT count(*) AS found {_INCIDENTS}{where}", values)[0]["found"]
    rows = database.rows(
        f"SELECT incident.*, service.name AS service {_INCIDENTS}{where} ORDER BY {order} LIMIT ? OFFSET ?",
        (*values, size, (view.page - 1) * size),
    )
    return [_incident(row) for row in rows], int(total)


def _conditions(view: View) -> tuple[list[str], list[object]]:
    conditions = [_WHERE_STATUS[view.status]] if _WHERE_STATUS[view.status] else []
    values: list[object] = []
    if view.severity != "any":
        conditions.append("severity = ?")
        values.append(view.severity)
    if view.service:
        conditions.append("service_id = ?")
        values.append(view.service)
    if view.q:
        conditions.append("(instr(lower(title), lower(?)) OR instr(lower(owner), lower(?)))")
        values += (view.q, view.q)
    return conditions, values


def incident(database: Database, id_: int) -> Incident | None:
    row = database.row(f"SELECT incident.*, service.name AS service {_INCIDENTS} WHERE incident.id = ?", (id_,))
    return None if row is None else _incident(row)


def add_incident(database: Database, change: Change, who: str) -> int:
    id_ = database.write(
        "INSERT INTO incident (service_id, title, severity, status, owner, note, opened, resolved) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*_values(change), now(), now() if change.status is Status.RESOLVED else None),
    )
    note_event(database, id_, who, "reported it")
    return id_


def change_incident(database: Database, before: Incident, change: Change, who: str) -> None:
    resolved = None
    if change.status is Status.RESOLVED:
        resolved = before.resolved.isoformat() if before.resolved else now()
    database.write(
        "UPDATE incident SET service_id = ?, title = ?, severity = ?, status = ?, owner = ?, note = ?, resolved = ? WHERE id = ?",
        (*_values(change), resolved, before.id),
    )
    note_event(database, before.id, who, _told(before, change))


def _values(change: Change) -> tuple[object, ...]:
    return change.service, change.title, change.severity.value, change.status.value, change.owner, change.note


def _told(before: Incident, change: Change) -> str:
    """What a change has changed, in a few words."""
    changes = []
    if change.status is not before.status:
        changes.append(f"set it to {change.status.value}")
    if change.severity is not before.severity:
        changes.append(f"called it {change.severity.value}")
    if change.owner != before.owner:
        changes.append(f"gave it to {change.owner}" if change.owner else "left it to nobody")
    return ", ".join(changes) or "edited it"


def note_event(database: Database, id_: int, who: str, what: str) -> None:
    database.write("INSERT INTO event (incident_id, at, who, what) VALUES (?, ?, ?, ?)", (id_, now(), who, what))


def events(database: Database, id_: int) -> list[Event]:
    rows = database.rows("SELECT * FROM event WHERE incident_id = ? ORDER BY id DESC LIMIT 50", (id_,))
    return [Event(datetime.fromisoformat(row["at"]), row["who"], row["what"]) for row in rows]


def hours(database: Database, *, back: int, service: int = 0) -> list[Hour]:
    """What was measured in the last hours, the oldest first; of all services together unless one is named."""
    rows = database.rows(
        "SELECT at, sum(requests) AS requests, sum(errors) AS errors, max(latency) AS latency FROM measure"
        " WHERE ?1 IN (0, service_id) GROUP BY at ORDER BY at DESC LIMIT ?2",
        (service, back),
    )
    return [Hour(datetime.fromisoformat(r["at"]), r["requests"], r["errors"], r["latency"]) for r in reversed(rows)]


def open_by_severity(database: Database) -> dict[Severity, int]:
    rows = database.rows(
        "SELECT severity, count(*) AS found FROM incident WHERE status <> 'resolved' GROUP BY severity"
    )
    found = {row["severity"]: int(row["found"]) for row in rows}
    return {severity: found.get(severity.value, 0) for severity in Severity}


def incidents_by_service(database: Database) -> list[tuple[str, int]]:
    """How many incidents each service ever had, the most first."""
    rows = database.rows(
        "SELECT service.name AS name, count(incident.id) AS found FROM service LEFT JOIN incident ON service.id = service_id"
        " GROUP BY service.id ORDER BY found DESC, name"
    )
    return [(row["name"], int(row["found"])) for row in rows]


def _incident(row: sqlite3.Row) -> Incident:
    return Incident(
        id=row["id"],
        service_id=row["service_id"],
        service=row["service"],
        title=row["title"],
        severity=Severity(row["severity"]),
        status=Status(row["status"]),
        owner=row["owner"],
        note=row["note"],
        opened=datetime.fromisoformat(row["opened"]),
        resolved=None if row["resolved"] is None else datetime.fromisoformat(row["resolved"]),
    )
