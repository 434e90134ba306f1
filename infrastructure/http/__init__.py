"""Fetches pages and files: rate limit, route, send, classify, retry."""

from infrastructure.http.classify import find_block
from infrastructure.http.downloader import Downloader, build_downloader
from infrastructure.http.files import DownloadedFile
from infrastructure.http.messages import Page
from infrastructure.http.options import NetworkOptions

__all__ = ["DownloadedFile", "Downloader", "NetworkOptions", "Page", "build_downloader", "find_block"]
