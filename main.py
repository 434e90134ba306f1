"""``python main.py``: saves IMDb's charts and titles to CSV files and PostgreSQL."""

import sys

SET_UP = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt, then .venv/bin/python main.py"


def refuse(reason: str, code: int = 2) -> None:
    """Ends with one line, like the command line, which cannot be loaded yet."""
    if sys.stderr is not None:  # pythonw has none
        sys.stderr.write(f"filmledger: {reason}\n")
    sys.exit(code)


if sys.version_info < (3, 11):  # noqa: UP036 - for users of an older one
    refuse("Python 3.11 or newer is needed, and this is " + sys.version.split()[0])

try:
    from infrastructure.cli import main
except KeyboardInterrupt:
    refuse("interrupted", 130)
except ModuleNotFoundError as error:
    if error.name is None or error.name.startswith(("filmledger", "infrastructure", "application", "domain", "shared")):
        raise
    refuse(f"the package {error.name} is not installed for {sys.executable}; set up once with {SET_UP}")

if __name__ == "__main__":
    main()
