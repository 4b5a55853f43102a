"""The services, each with its last day."""

from markupsafe import Markup
from msgspec import Struct

from flasgo import Blueprint, render_template

from . import queries
from .charts import Line, short, sparkline
from .database import Opened
from .overview import share
from .records import Service

blueprint = Blueprint("services", url_prefix="/services")


TROUBLED = 0.7
"""Errors among the requests of a day, in per cent, from which on a service is not well."""


class Card(Struct, frozen=True):
    service: Service
    requests: str
    errors: float
    latency: str
    line: Line
    healthy: bool


@blueprint.get("")
def index(database: Opened) -> Markup:
    cards = []
    for service in queries.services(database):
        hours = queries.hours(database, back=24, service=service.id)
        errors = sum(map(share, hours)) / (len(hours) or 1)
        latency = max((hour.latency for hour in hours), default=0)
        requests = short(sum(hour.requests for hour in hours))
        line = sparkline([hour.latency for hour in hours], width=200, height=44)
        cards.append(Card(service, requests, errors, f"{latency:,.0f}", line, errors < TROUBLED))
    return render_template("services.html", cards=cards)
