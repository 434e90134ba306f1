"""Every setting: its name, type, default, range and meaning. Read by the command line and bootstrap only.

A setting's name in the environment is the field's name in capitals. The
environment overrides ``.env``; an empty value means the default. Secrets may
also come from a file named in ``NAME_FILE``, as container secrets do. ``${X}``
in a value of ``.env`` is replaced, except in secrets.
"""

from __future__ import annotations

import io
import os
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union

import msgspec
from msgspec import Meta

from shared.secret import Secret, passwords, split_user_info
from shared.text import TextError, given_text, named_path, read_text

THREAD_CAP: Final = 200
_PARTS_OF_ADDRESS: Final = re.compile(r"[/:@?&=]+")
_TOKEN: Final = re.compile(r"(?=.*[0-9])[^.]{8,}")

# Forms of values that several settings have.
_Port: TypeAlias = Annotated[int, Meta(ge=1, le=65535)]
_Header: TypeAlias = Annotated[str, Meta(pattern="^[ -~]*$", extra={"allowed": "text of ASCII characters"})]
_ADDRESSES: Final = {"allowed": "http:// or https:// address"}
_Address: TypeAlias = Annotated[str, Meta(pattern=r"^https?://[^\s/]+", extra=_ADDRESSES)]
_PublicAddress: TypeAlias = Annotated[  # where user information would be published, or sent to a third party
    str,
    Meta(
        pattern=r"^(https?://([^\s/@:]+|\[[0-9a-fA-F:.]+\])(:[0-9]+)?(/.*)?|)$",
        extra={"allowed": "http:// or https:// address without user name and password"},
    ),
]


class SettingsError(ValueError):
    """Settings that cannot be used; ``problems`` has one line for each, with its variable's name."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings with their defaults. ``describe()`` lists them, ``load()`` fills them.

    Raises:
        SettingsError: values that are not allowed, each with its variable's name.
    """

    # --- what and where ---
    base_url: Annotated[_Address, Meta(description="Site to read.")] = "https://www.imdb.com"
    graphql_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s/]+|$)",
            extra=_ADDRESSES,
            description="GraphQL endpoint; unset: https://api.graphql.imdb.com/ for IMDb, BASE_URL/graphql elsewhere.",
        ),
    ] = ""
    datasets_url: Annotated[_Address, Meta(description="Where IMDb's data files are downloaded; a mirror.")] = (
        "https://datasets.imdbws.com"
    )
    datasets_memory: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]+(MB|GB)$",
            extra={"allowed": "number with MB or GB"},
            description="Memory for joining and sorting data files.",
        ),
    ] = "1GB"
    data_dir: Annotated[Path, Meta(description="Where CSV files, job log and embedded database live.")] = Path("data")
    stores: Annotated[
        str,
        Meta(
            pattern=r"^ *(csv|postgres|sqlite)( *, *(csv|postgres|sqlite))* *$",
            extra={"allowed": "csv, postgres, sqlite: one or more, comma-separated"},
            description="Stores that hold the data, in the order of preference; every record goes to all of them.",
        ),
    ] = "csv,postgres"
    detail_source: Annotated[
        Literal["auto", "page", "graphql", "datasets"],
        Meta(
            description="Where title details come from; auto: pages, and GraphQL for what they cut; "
            "GraphQL alone once pages are blocked, then data files if DATASETS=yes."
        ),
    ] = "auto"
    datasets: Annotated[
        Literal["ask", "yes", "no"],
        Meta(
            description="Download IMDb's data files and read titles from them when pages and GraphQL are refused; "
            "ask: once in a run on a terminal, elsewhere no."
        ),
    ] = "ask"
    graphql_batch_size: Annotated[int, Meta(ge=1, le=250, description="Titles in one GraphQL request.")] = 25
    graphql_referer: Annotated[
        _Header, Meta(description="Referer of GraphQL requests, which the server demands; empty: none.")
    ] = "https://www.imdb.com/"
    graphql_origin: Annotated[_Header, Meta(description="Origin of GraphQL requests; empty: none.")] = (
        "https://www.imdb.com"
    )
    graphql_client_name: Annotated[
        _Header, Meta(description="x-imdb-client-name of GraphQL requests; empty: none.")
    ] = "imdb-web-next"
    full_credits: Annotated[
        bool, Meta(description="Read the complete cast and crew of each title by GraphQL, 250 people in one request.")
    ] = False

    # --- threads and retries ---
    max_threads: Annotated[
        int, Meta(ge=1, description=f"Title pages fetched at the same time; more than {THREAD_CAP} is capped.")
    ] = 50
    backoff_and_retry: Annotated[bool, Meta(description="Try again after errors that may pass.")] = True
    backoff_factor: Annotated[
        float, Meta(ge=0, le=3600, description="Seconds before the first retry; each further wait doubles.")
    ] = 2.0
    max_backoff_seconds: Annotated[float, Meta(ge=0, le=86400, description="Longest single wait, in seconds.")] = 60.0
    max_backoff_retries: Annotated[
        int, Meta(ge=0, le=100, description="Retries of a title in a run: at most this many requests plus one.")
    ] = 5
    retry_status_codes: Annotated[
        str,
        Meta(
            pattern=r"^[1-5][0-9]{2}(\s*,\s*[1-5][0-9]{2})*$",
            extra={"allowed": "HTTP statuses, comma-separated"},
            description="HTTP statuses that are tried again.",
        ),
    ] = "408,413,429,500,502,503,504"
    batch_retries: Annotated[
        int, Meta(ge=0, le=100, description="How often a failed title is queued again within a run.")
    ] = 3
    connect_timeout_seconds: Annotated[float, Meta(gt=0, le=600, description="Longest wait for a connection.")] = 10.0
    read_timeout_seconds: Annotated[float, Meta(gt=0, le=600, description="Longest silence while reading.")] = 30.0

    request_deadline_seconds: Annotated[
        float, Meta(gt=0, le=86400, description="Longest time for one request as a whole, however slowly it drips.")
    ] = 120.0
    max_wait_per_title_seconds: Annotated[
        float, Meta(ge=0, le=86400, description="Longest sum of waits for one title.")
    ] = 300.0
    max_wait_per_run_seconds: Annotated[
        float, Meta(ge=0, le=604800, description="Longest sum of waits in a run while nothing arrives.")
    ] = 7200.0
    max_body_mb: Annotated[int, Meta(ge=1, le=1024, description="Largest answer taken, in megabytes.")] = 32

    # --- politeness ---
    requests_per_second: (
        Annotated[float, Meta(gt=0, description="Requests a second to one host; unset: 10, and no limit on loopback.")]
        | None
    ) = None
    respect_robots: Annotated[bool, Meta(description="Leave alone what robots.txt closes.")] = True
    max_block_wait_seconds: Annotated[
        float, Meta(ge=0, le=86400, description="How long to wait and probe when the site blocks every route.")
    ] = 300.0

    # --- proxies and Tor ---
    proxy_host: Annotated[str, Meta(description="One proxy: its host.")] = ""
    proxy_port: Annotated[_Port, Meta(description="One proxy: its port.")] | None = None
    proxy_user: Annotated[str, Meta(description="One proxy: user name.")] = ""
    proxy_pass: Annotated[Secret, Meta(description="One proxy: password.")] = Secret("")
    proxies: Annotated[
        Secret, Meta(description="Several proxies, comma-separated: scheme://user:password@host:port.")
    ] = Secret("")
    proxy_file: Annotated[Path, Meta(description="File with one proxy a line.")] | None = None
    allow_direct_fallback: Annotated[bool, Meta(description="Go out directly when every proxy is gone.")] = False
    rotate_after_requests: Annotated[
        int, Meta(ge=0, description="Change route after so many requests; 0: only when blocked.")
    ] = 0
    use_tor: Annotated[bool, Meta(description="Send requests through Tor; needs the extra `tor`.")] = False
    tor_host: Annotated[str, Meta(description="Host of the Tor client.")] = "127.0.0.1"
    tor_proxy_port: Annotated[_Port, Meta(description="Tor's SOCKS port.")] = 9050
    tor_control_port: Annotated[_Port, Meta(description="Tor's control port.")] = 9051
    tor_password: Annotated[Secret, Meta(description="Password of Tor's control port.")] = Secret("")
    tor_circuits: Annotated[int, Meta(ge=1, le=100, description="Tor circuits held at the same time.")] = 1
    ca_file: (
        Annotated[
            Path, Meta(description="Certificate authorities to check https by instead of the usual ones, as PEM.")
        ]
        | None
    ) = None
    exit_address_url: Annotated[
        _PublicAddress,
        Meta(description="Page with the caller's address; `doctor` requests it once a route. Unset: never."),
    ] = ""

    # --- PostgreSQL ---
    postgres_dsn: Annotated[
        Secret,
        Meta(description="PostgreSQL to use, as a connection string; unset with POSTGRES_HOST: embedded server."),
    ] = Secret("")
    postgres_host: Annotated[str, Meta(description="PostgreSQL to use: its host.")] = ""
    postgres_port: Annotated[_Port, Meta(description="PostgreSQL: port.")] = 5432
    postgres_db: Annotated[str, Meta(description="PostgreSQL: database.")] = "filmledger"
    postgres_user: Annotated[str, Meta(description="PostgreSQL: user.")] = "filmledger"
    postgres_password: Annotated[Secret, Meta(description="PostgreSQL: password.")] = Secret("")
    postgres_sslmode: Annotated[
        Literal["", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        Meta(description="PostgreSQL: TLS mode; verify-full checks the server's certificate and name."),
    ] = ""
    postgres_sslrootcert: Annotated[Path, Meta(description="PostgreSQL: certificate authority file.")] | None = None
    postgres_pool_size: Annotated[int, Meta(ge=1, le=100, description="Connections to PostgreSQL.")] = 10
    postgres_reader_dsn: Annotated[
        Secret,
        Meta(description="PostgreSQL for `sql` and `report`: a role that can only read; unset: the connection above."),
    ] = Secret("")
    postgres_take_over: Annotated[
        bool, Meta(description="Fill a database from this data directory although another one filled it so far.")
    ] = False
    sql_timeout_seconds: Annotated[
        float, Meta(ge=0, le=86400, description="How long a query of `sql` or a report may take; 0: no limit.")
    ] = 300.0
    store_wait_seconds: Annotated[
        float, Meta(ge=0, le=86400, description="How long to wait for a store that has gone away.")
    ] = 60.0

    # --- files ---
    csv_escape_formulas: Annotated[
        bool, Meta(description="Write cells that a spreadsheet would take for a formula with a leading apostrophe.")
    ] = False
    data_dirs: Annotated[str, Meta(description="Folders for saved pages and posters, comma-separated.")] = ""
    disk_margin: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]+(\.[0-9]+)?[KMGT]?$",
            extra={"allowed": "number with K, M, G or T"},
            description="Space left free on each of DATA_DIRS.",
        ),
    ] = "1G"

    # --- monitoring ---
    notify_urls: Annotated[
        Secret, Meta(description="Apprise addresses that are told how each run ended, separated by spaces.")
    ] = Secret("")
    metrics_file: Annotated[Path, Meta(description="File for Prometheus, rewritten after each run.")] | None = None

    # --- posters and catalogue ---
    asset_workers: (
        Annotated[
            int, Meta(ge=1, le=64, description="Posters worked on at the same time; unset: one a core, at most 8.")
        ]
        | None
    ) = None
    optimize_assets: Annotated[
        bool, Meta(description="Make posters smaller: WebP and JPEG, full size and thumbnail.")
    ] = True
    poster_recheck_hours: Annotated[
        float, Meta(ge=0, le=87600, description="How long a poster is taken for unchanged without asking.")
    ] = 168.0
    site_url: Annotated[
        _PublicAddress, Meta(description="Where the catalogue will be served; needed for its sitemap.")
    ] = ""
    parallel: Annotated[bool, Meta(description="Master switch for the two below.")] = True
    parallel_assets: Annotated[bool, Meta(description="Work on several posters at the same time.")] = True
    parallel_postprocess: Annotated[bool, Meta(description="Make sitemap, feed and report at the same time.")] = True
    minify_assets: Annotated[bool, Meta(description="Make the catalogue's styles and scripts smaller.")] = True
    fingerprint_assets: Annotated[bool, Meta(description="Name styles and scripts after their content.")] = True
    generate_sitemap: Annotated[bool, Meta(description="Write sitemap.xml.")] = True
    generate_rss: Annotated[bool, Meta(description="Write feed.xml.")] = True
    generate_report: Annotated[bool, Meta(description="Write report.md and report.json.")] = True
    validate_links: Annotated[bool, Meta(description="Check every link of the finished catalogue.")] = True

    def __post_init__(self) -> None:
        problems: list[str] = []
        for field in _fields():
            try:
                msgspec.convert(getattr(self, field.name), field.type)
            except msgspec.ValidationError:
                problems.append(_refusal(field, repr(getattr(self, field.name))))
        if problems:
            raise SettingsError(problems)

    @property
    def threads(self) -> int:
        """``max_threads``, capped."""
        return min(self.max_threads, THREAD_CAP)

    @property
    def store_names(self) -> tuple[str, ...]:
        """``stores`` as names, each once."""
        return tuple(dict.fromkeys(name.strip() for name in self.stores.split(",")))

    @property
    def site(self) -> str:
        """``base_url`` without user information and closing slash; a data directory remembers it."""
        return split_user_info(self.base_url)[0].rstrip("/")

    @property
    def graphql(self) -> str:
        """``graphql_url`` without user information, or the endpoint that belongs to the site."""
        if self.graphql_url:
            return split_user_info(self.graphql_url)[0]
        return "https://api.graphql.imdb.com/" if self.site.endswith(".imdb.com") else f"{self.site}/graphql"

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret that is set, those in addresses too; they are kept out of the logs."""
        values = [getattr(self, field.name) for field in _fields()]
        found = [value for value in values if isinstance(value, Secret) and value]
        for value in values:
            if isinstance(value, str):
                found += passwords(split_user_info(value)[1])
        for address in self.notify_urls.reveal().split():  # libraries log the parts of one in forms of their own
            found += passwords(split_user_info(address)[1])
            found += [Secret(part) for part in _PARTS_OF_ADDRESS.split(address) if _TOKEN.fullmatch(part)]
        return tuple(found)

    @property
    def max_requests(self) -> int:
        """HTTP requests one title may cost in a run."""
        return self.max_backoff_retries + 1 if self.backoff_and_retry else 1


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the documentation."""

    name: str
    allowed: str
    default: str
    meaning: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and warnings about how they were written."""

    settings: Settings
    warnings: tuple[str, ...]


@cache
def describe() -> tuple[Setting, ...]:
    """Every setting as the documents list it, in the order above."""
    described = []
    for field in _fields():
        default = field.default
        shown = "" if default is None or isinstance(default, Secret) else str(default)
        if isinstance(default, bool):
            shown = shown.lower()
        meaning = _parts(field.type)[-1].description or ""
        described.append(Setting(field.name.upper(), _allowed(field.type), shown, meaning, _is_secret(field.type)))
    return tuple(described)


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = None, **overrides: object) -> Loaded:
    """Reads the settings.

    Args:
        environ: the environment; the process's own unless given.
        env_file: a ``.env`` file; missing is fine.
        overrides: fields given on the command line; ``None`` means not given.

    Raises:
        SettingsError: values that are not allowed, each with its variable's name.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    written = _written(env_file, environ, problems) if env_file else {}
    merged = {**written, **environ}
    values: dict[str, object] = {}
    for field in _fields():
        name = field.name.upper()
        text = merged.get(name, "").strip()
        if not text and _is_secret(field.type):
            text = _from_file(name, merged, problems)
        if not text:
            continue
        if _parts(field.type)[0] is not Path:
            try:
                text = given_text(text)
            except UnicodeError:
                problems.append(f"{name}: its value is not UTF-8")
                continue
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False, dec_hook=_decode)
        except msgspec.ValidationError:
            problems.append(_refusal(field, repr(text)))
    values.update({name: value for name, value in overrides.items() if value is not None})
    if problems:
        raise SettingsError(problems)
    settings = Settings(**values)  # type: ignore[arg-type]  # converted field by field above
    return Loaded(settings, tuple(_warnings(settings, written, env_file)))


@cache
def _fields() -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(Settings)


def _refusal(field: msgspec.structs.FieldInfo, shown: str) -> str:
    # A value that is not allowed may be an address whose scheme was forgotten, with a password in it.
    shown = "its value" if _is_secret(field.type) or "@" in shown else shown
    return f"{field.name.upper()}: {shown} is not allowed; allowed: {_allowed(field.type)}"


def _warnings(settings: Settings, written: Mapping[str, str], env_file: Path | None) -> Iterator[str]:
    known = [field.name.upper() for field in _fields()]
    known += [f"{setting.name}_FILE" for setting in describe() if setting.secret]
    for name in written:
        if name not in known and name not in ENVIRONMENT_ONLY:
            import difflib

            nearest = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            yield f"{env_file}: {ascii(name)[1:-1]} is not a setting of this program{hint}"
    if settings.max_threads > THREAD_CAP:
        yield f"MAX_THREADS={settings.max_threads} is more than this program uses; it continues with {THREAD_CAP}"


def _written(path: Path, environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """The assignments of a ``.env`` file; ``${X}`` is replaced by what the environment or the file says, except in
    secrets, whose characters mean themselves.
    """
    from dotenv.parser import parse_stream  # only where there is a file: it costs a tenth of the start-up time
    from dotenv.variables import parse_variables

    secret = {setting.name for setting in describe() if setting.secret}
    found: dict[str, str] = {}
    try:
        text = read_text(path)
    except OSError as error:
        if os.path.lexists(path):
            problems.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except TextError as error:
        problems.append(str(error))
        return {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            line = binding.original.line + len(binding.original.string) - len(binding.original.string.lstrip("\n"))
            problems.append(f"{path}, line {line}: not an assignment; write NAME=value, and close every quote")
        elif binding.key is not None and binding.value is not None:
            value = binding.value
            if binding.key not in secret and "${" in value:
                known = {**found, **environ}
                value = "".join(atom.resolve(known) for atom in parse_variables(value))
            found[binding.key] = value
    return found


ENVIRONMENT_ONLY: Final = {
    "NO_COLOR": "Any value: no colours.",
    "SOURCE_DATE_EPOCH": "Seconds since 1970: used as the time of every record, for output that can be compared.",
}


def _from_file(name: str, merged: Mapping[str, str], problems: list[str]) -> str:
    path = merged.get(f"{name}_FILE", "")
    if not path:
        return ""
    try:
        return read_text(named_path(path)).strip()
    except OSError as error:
        problems.append(f"{name}_FILE: cannot read {path}: {error.strerror}")
    except TextError as error:
        problems.append(f"{name}_FILE: {error}")
    return ""


def _decode(kind: type, value: object) -> object:
    if kind is Secret:
        return Secret(str(value))
    if kind is Path:
        try:
            return named_path(str(value)).expanduser()
        except RuntimeError as error:  # the home of a user who does not exist
            raise ValueError(str(error)) from error
    raise NotImplementedError(kind)


def _parts(annotated: Any) -> tuple[Any, ...]:
    """The bare type, its constraints and its meaning, which may be one; ``Annotated[...] | None`` is optional."""
    if typing.get_origin(annotated) in (Union, UnionType):
        (annotated,) = (part for part in typing.get_args(annotated) if part is not type(None))
    return typing.get_args(annotated)


def _is_secret(annotated: Any) -> bool:
    return _parts(annotated)[0] is Secret


_WORDS: Final = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path", Secret: "text"}


def _allowed(annotated: Any) -> str:
    """What may be written, in words: ``whole number from 1``."""
    kind, meta, *_ = _parts(annotated)
    if typing.get_origin(kind) is Literal:
        return ", ".join(value or "(empty)" for value in typing.get_args(kind))
    text: str = (meta.extra or {}).get("allowed") or _WORDS[kind]
    for word, bound in (("from", meta.ge), ("above", meta.gt), ("to", meta.le)):
        if bound is not None:
            text += f" {word} {bound:g}"
    return text
