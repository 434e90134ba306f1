"""The command line: commands, signals, exit codes."""

from infrastructure.cli.app import main

__all__ = ["main"]
