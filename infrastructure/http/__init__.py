"""How pages are fetched: politely, over routes, and honest when the site refuses."""

from infrastructure.http.blocks import find_block
from infrastructure.http.build import build_downloader
from infrastructure.http.downloader import Downloader
from infrastructure.http.options import NetworkOptions
from infrastructure.http.page import Page

__all__ = ["Downloader", "NetworkOptions", "Page", "build_downloader", "find_block"]
