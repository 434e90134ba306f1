"""Tables for people and their programs: on a terminal, as CSV, JSON or Markdown."""
