"""Debian's Chromium, headless, talking to nobody but this machine."""

from __future__ import annotations

import os
import shutil
from typing import Final

from playwright.sync_api import Browser, Playwright, Response

PROGRAM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def launched(playwright: Playwright) -> Browser:
    """A browser; root needs to do without Chromium's own sandbox.

    Raises:
        FileNotFoundError: there is no Chromium on this machine.
    """
    if PROGRAM is None:
        raise FileNotFoundError("no Chromium on this machine")
    flags = [*_FLAGS, "--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else list(_FLAGS)
    return playwright.chromium.launch(executable_path=PROGRAM, args=flags)


def first_view_bytes(browser: Browser, address: str) -> int:
    """Returns the bytes of all files that a phone loads before anyone scrolls."""
    page = browser.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=3)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address, wait_until="networkidle")
    size = sum(len(answer.body()) for answer in answers)
    page.close()
    return size
