"""What a package needs that extends applications: `app.install(extension)`; docs/guides/extensions.md tells how."""

from flasgo.extensions.installation import Extension, Installation
from flasgo.extensions.stages import Place
from flasgo.pipeline.stage import AskStep, GateStep, Part, Stage, Step, WorkStep
from flasgo.plan.documents import Secured, SecurityScheme
from flasgo.plan.model import Route
from flasgo.routing.policies import declare

__all__ = [
    "AskStep",
    "Extension",
    "GateStep",
    "Installation",
    "Part",
    "Place",
    "Route",
    "Secured",
    "SecurityScheme",
    "Stage",
    "Step",
    "WorkStep",
    "declare",
]
