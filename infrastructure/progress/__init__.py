"""Faces of a run: nothing, plain lines, or a live screen, behind the port ``Progress``."""
