"""The catalogue: a folder of static pages that opens from disk and on any web server."""

from infrastructure.catalogue.publication import Published, PublishOptions, publish_catalogue, report_of
from infrastructure.catalogue.serve import serve

__all__ = ["PublishOptions", "Published", "publish_catalogue", "report_of", "serve"]
