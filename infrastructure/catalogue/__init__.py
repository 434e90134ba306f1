"""The catalogue: a folder of static pages that opens from disk and on any web server."""

from infrastructure.catalogue.build import PublishOptions, PublishResult, publish_catalogue, rendered_report
from infrastructure.catalogue.serve import serve

__all__ = ["PublishOptions", "PublishResult", "publish_catalogue", "rendered_report", "serve"]
