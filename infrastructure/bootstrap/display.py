"""What the command line shows of a run, besides its progress display."""

from infrastructure.progress.run_text import status_lines, summary_lines
from infrastructure.progress.startup import StartupDisplay

__all__ = ["StartupDisplay", "status_lines", "summary_lines"]
