"""The ports: the interfaces that the application needs, and the errors that each call may raise.

Adapters live in ``infrastructure`` and satisfy these protocols structurally. A cancel event is a
``threading.Event``: once set, every wait ends and the call raises ``domain.errors.Cancelled``.
"""

from application.ports.checks import CheckResult
from application.ports.datasets import BulkRepository, LoadPart, LoadRecord, PendingLoad, PreparedTables
from application.ports.history import (
    ChartHistory,
    ChartSnapshot,
    RankedTitle,
    Reports,
    Run,
    RunHistory,
    TableOfValues,
    Value,
)
from application.ports.jobs import Failure, Job, JobCounts, JobExecutor, JobLog, Outcome, Progress, Status
from application.ports.publishing import Poster, PosterAnswer, PosterFile, PosterSource, PosterStore, PublishStep
from application.ports.sources import (
    ChartSource,
    EpisodeSource,
    FetchedPerson,
    FetchedTitle,
    PersonSource,
    TitleSource,
)
from application.ports.stores import (
    BackgroundRepository,
    Loader,
    MovieRepository,
    RestoringRepository,
    Snapshot,
    TextRepository,
)

__all__ = [
    "BackgroundRepository",
    "BulkRepository",
    "ChartHistory",
    "ChartSnapshot",
    "ChartSource",
    "CheckResult",
    "EpisodeSource",
    "Failure",
    "FetchedPerson",
    "FetchedTitle",
    "Job",
    "JobCounts",
    "JobExecutor",
    "JobLog",
    "LoadPart",
    "LoadRecord",
    "Loader",
    "MovieRepository",
    "Outcome",
    "PendingLoad",
    "PersonSource",
    "Poster",
    "PosterAnswer",
    "PosterFile",
    "PosterSource",
    "PosterStore",
    "PreparedTables",
    "Progress",
    "PublishStep",
    "RankedTitle",
    "Reports",
    "RestoringRepository",
    "Run",
    "RunHistory",
    "Snapshot",
    "Status",
    "TableOfValues",
    "TextRepository",
    "TitleSource",
    "Value",
]
