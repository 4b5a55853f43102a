"""Incidents: a list that is filtered, sorted and paged by its query; one of them, and the form that changes it."""

import logging
from typing import Annotated

from markupsafe import Markup

from flasgo import (
    BackgroundTasks,
    Blueprint,
    Depends,
    FormData,
    HasScope,
    NotFound,
    PageForm,
    Response,
    flash,
    redirect,
    render_template,
    url_for,
)

from . import queries
from .database import Database, Opened
from .fragments import Fragment
from .records import Change, Incident, Person, Status, View
from .settings import BoardSettings

logger = logging.getLogger(__name__)
blueprint = Blueprint("incidents", url_prefix="/incidents")

Wanted = Annotated[View, Depends(View)]
"""The view of a handler's signature: every field of it is a parameter of the query."""

EDITORS = [HasScope("edit")]


@blueprint.get("")
def index(view: Wanted, database: Opened, settings: BoardSettings, fragment: Fragment) -> Markup:
    found, total = queries.incidents(database, view, size=settings.ROWS_PER_PAGE)
    pages = max(1, -(-total // settings.ROWS_PER_PAGE))
    if view.page > pages:
        raise NotFound("There are not so many pages.")
    template = "incidents/table.html" if fragment == "table" else "incidents/index.html"
    return render_template(
        template, incidents=found, total=total, pages=pages, view=view, services=queries.services(database)
    )


@blueprint.get("/new", permissions=EDITORS)
def new(database: Opened) -> Markup:
    form = PageForm[Change](data=FormData({"severity": "minor", "status": "open"}))
    return render_template("incidents/edit.html", form=form, incident=None, services=queries.services(database))


@blueprint.post("/new", permissions=EDITORS, name="add")
def add(
    form: PageForm[Change], person: Person, database: Opened, background: BackgroundTasks
) -> Response | tuple[Markup, int]:
    change = _judged(form, database)
    if change is None:
        services = queries.services(database)
        return render_template("incidents/edit.html", form=form, incident=None, services=services), 422
    id_ = queries.add_incident(database, change, person.name)
    background.add(tell_the_team, database, id_, change.title)
    flash("The incident is reported.", "success")
    return redirect(url_for(".one", id_=id_))


@blueprint.get("/<int:id_>")
def one(id_: int, database: Opened, fragment: Fragment) -> Markup:
    incident = _found(id_, database)
    template = "incidents/events.html" if fragment == "events" else "incidents/one.html"
    return render_template(template, incident=incident, events=queries.events(database, id_))


@blueprint.get("/<int:id_>/edit", permissions=EDITORS)
def edit(id_: int, database: Opened) -> Markup:
    incident = _found(id_, database)
    return render_template(
        "incidents/edit.html", form=_filled(incident), incident=incident, services=queries.services(database)
    )


@blueprint.post("/<int:id_>/edit", permissions=EDITORS, name="change")
def change(
    id_: int, form: PageForm[Change], person: Person, database: Opened, background: BackgroundTasks
) -> Response | tuple[Markup, int]:
    incident = _found(id_, database)
    wanted = _judged(form, database)
    if wanted is None:
        services = queries.services(database)
        return render_template("incidents/edit.html", form=form, incident=incident, services=services), 422
    queries.change_incident(database, incident, wanted, person.name)
    if wanted.status is not incident.status:
        background.add(tell_the_team, database, id_, f"{wanted.title} ({wanted.status.value})")
    flash("Your changes are saved.", "success")
    return redirect(url_for(".one", id_=id_))


@blueprint.post("/<int:id_>/watch", permissions=EDITORS)
def watch(
    id_: int, person: Person, database: Opened, background: BackgroundTasks, fragment: Fragment
) -> Response | Markup:
    """Take an open incident: the button of a row, which is all that is answered where the row alone was asked for."""
    incident = _found(id_, database)
    if incident.status is Status.OPEN:
        wanted = Change(
            title=incident.title,
            service=incident.service_id,
            severity=incident.severity,
            status=Status.WATCHING,
            owner=person.name,
            note=incident.note,
        )
        queries.change_incident(database, incident, wanted, person.name)
        background.add(tell_the_team, database, id_, f"{person.name} takes {incident.title}")
    if fragment == "row":
        return render_template("incidents/row.html", incident=_found(id_, database))
    flash("It is yours.", "success")
    return redirect(url_for(".one", id_=id_))


def tell_the_team(database: Database, id_: int, what: str) -> None:
    """What takes its time, after the answer: a mail, a message in a chat. Here the log is told, and the incident's own page."""
    logger.info("incident %d: %s", id_, what)
    queries.note_event(database, id_, "Watchtower", "told the team")


def _found(id_: int, database: Opened) -> Incident:
    incident = queries.incident(database, id_)
    if incident is None:
        raise NotFound("This incident is not there.")
    return incident


def _judged(form: PageForm[Change], database: Opened) -> Change | None:
    """What the form says, if the database can take it."""
    if form.value is not None and form.value.service not in {service.id for service in queries.services(database)}:
        form.refuse("service", "Choose one of these.")
    if form.value is not None and form.value.status is not Status.OPEN and not form.value.owner:
        form.refuse("owner", "Say who looks after it.")
    return form.value


def _filled(incident: Incident) -> PageForm[Change]:
    """The form of an incident as it is now."""
    fields = {
        "title": incident.title,
        "service": str(incident.service_id),
        "severity": incident.severity.value,
        "status": incident.status.value,
        "owner": incident.owner,
        "note": incident.note,
    }
    return PageForm[Change](data=FormData(fields))
