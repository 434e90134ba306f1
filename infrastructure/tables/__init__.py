"""Tables on a terminal, as CSV, JSON or Markdown."""
