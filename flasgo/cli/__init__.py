"""The command line; `main` and `load_app` are importable from here."""

from flasgo.cli.command import main
from flasgo.cli.target import load_app

__all__ = ["load_app", "main"]
