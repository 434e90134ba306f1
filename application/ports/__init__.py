"""The ports: the interfaces that the application needs, and the errors that each call may raise.

Adapters live in ``infrastructure`` and satisfy these protocols structurally. A cancel event is a
``threading.Event``: once set, every wait ends and the call raises ``domain.errors.Cancelled``.
``publishing`` is imported by its own name: most runs need none of it.
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
from application.ports.jobs import Failure, Job, JobCounts, JobExecutor, JobLog, Outcome, Progress, RunIdentity, Status
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
    "PreparedTables",
    "Progress",
    "RankedTitle",
    "Reports",
    "RestoringRepository",
    "Run",
    "RunHistory",
    "RunIdentity",
    "Snapshot",
    "Status",
    "TableOfValues",
    "TextRepository",
    "TitleSource",
    "Value",
]
