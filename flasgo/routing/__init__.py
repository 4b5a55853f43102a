"""Paths, routes and blueprints: the names that programs use."""

from flasgo.plan.model import Endpoint, Route
from flasgo.routing.blueprint import Blueprint
from flasgo.routing.converters import Converter

__all__ = ["Blueprint", "Converter", "Endpoint", "Route"]
