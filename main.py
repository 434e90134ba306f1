"""``python main.py``: take IMDb's charts and titles into CSV files and PostgreSQL."""

import sys

SET_UP = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt, then .venv/bin/python main.py"


def refuse(reason: str) -> None:
    """End with one line, as the command line does; it cannot be loaded yet."""
    sys.stderr.write(f"filmledger: {reason}\n")
    sys.exit(2)


if sys.version_info < (3, 11):  # noqa: UP036 - told to whoever has an older one
    refuse("Python 3.11 or newer is needed, and this is " + sys.version.split()[0])

try:
    from infrastructure.cli import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.startswith(("filmledger", "infrastructure", "application", "domain", "shared")):
        raise
    refuse(f"the package {error.name} is not installed for {sys.executable}; set up once with {SET_UP}")

if __name__ == "__main__":
    main()
