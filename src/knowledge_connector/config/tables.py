"""The host's tables of `connectors.toml`. What a plugin adds to its table stays in `options`, unread."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from knowledge_connector.kit.config import Options, Reading

_SQLITE = "sqlite:///"


def _located_url(url: str, info: ValidationInfo) -> str:
    """A SQLite file is meant relative to the file that names it; other databases have no place on this machine."""
    if not url.startswith((_SQLITE, "postgresql://", "postgresql+psycopg://")):
        raise ValueError("should begin with sqlite:/// or postgresql://")
    path = url.removeprefix(_SQLITE)
    if path == url or path in ("", ":memory:") or not isinstance(info.context, Reading):
        return url
    return f"{_SQLITE}{info.context.folder / Path(path).expanduser()}"


def _time_span(text: str) -> str:
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and int(number) and unit in SECONDS_OF_UNIT):
        raise ValueError("should be a number and a unit, such as 90s, 30m, 24h or 2d")
    return text


TimeSpan = Annotated[str, AfterValidator(_time_span)]
"""A length of time as people write it: `90s`, `30m`, `24h`, `2d`; see `seconds_of`."""

SECONDS_OF_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(span: str) -> int:
    """Give the seconds of a `TimeSpan`."""
    return int(span[:-1]) * SECONDS_OF_UNIT[span[-1]]


class Table(Options):
    """A table of the host's."""


class StateSettings(Table):
    """`[state]`: the memory of the syncs."""

    url: Annotated[str, AfterValidator(_located_url)] = Field(
        default="sqlite:///.connector/state.db",
        description="Database of the sync state: `sqlite:///PATH` or `postgresql://…`.",
    )


class DeleteSettings(Table):
    """`[connectors.NAME.deletes]`: the guard. Deletes stop only when both bounds are passed."""

    max_percent: float = Field(
        default=10, ge=0, le=100, description="Share of the holdings that a run may delete without approval."
    )
    max_documents: int = Field(
        default=10, ge=0, description="Number of documents that a run may delete without approval."
    )


class ErrorSettings(Table):
    """`[connectors.NAME.errors]`: the error budget. A run stops when either bound is passed."""

    max_consecutive: int = Field(default=10, ge=1, description="Failed documents in a row that stop the run.")
    max_percent: float = Field(default=15, ge=0, le=100, description="Share of failed documents that stops the run.")
    min_documents: int = Field(default=100, ge=1, description="Documents that must be seen before the share counts.")


class ChunkSettings(Table):
    """`[connectors.NAME.chunks]`: how documents are cut."""

    chunker: str = Field(default="markdown", min_length=1, description="Name of the chunker.")
    max_chars: int | None = Field(
        default=None, ge=1, description="Upper bound of one chunk; the target's limit if not set."
    )
    overlap_chars: int = Field(default=0, ge=0, description="How much of the previous chunk to repeat at most.")

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if self.max_chars is not None and self.overlap_chars >= self.max_chars:
            raise ValueError(f"overlap_chars should be smaller than max_chars ({self.max_chars})")
        return self


class ConnectorSettings(Table):
    """`[connectors.NAME]`: one origin and where its knowledge goes.

    Attributes:
        name: The table's name.
        options: What belongs to the plugin, not validated yet: see `Settings.bind`.
        targets: Names of targets; `target = "x"` arrives here too.
    """

    name: str
    type: str = Field(min_length=1, description="Kind of origin: the plugin that reads it.")
    target: str | None = Field(default=None, description="Name of the target, where there is one; `local` if not set.")
    targets: tuple[str, ...] = Field(
        default=("local",), min_length=1, description="Names of the targets, where there are several."
    )
    tags: tuple[str, ...] = Field(default=(), description="Labels that every document of this connector gets.")
    enabled: bool = Field(default=True, description="Whether `connector run --all` and jobs run it.")
    verify_every_runs: int = Field(
        default=0, ge=0, description="Every so many runs, read all content whatever its revision says; 0 for never."
    )
    max_document_bytes: int = Field(
        default=50_000_000, ge=1, description="Larger documents are skipped and counted, not fetched."
    )
    fresh_within: TimeSpan | None = Field(
        default=None, description="How old the last good run may become before people are told, such as `24h`."
    )
    fetch_workers: int = Field(default=4, ge=1, le=64, description="Documents that are fetched at a time.")
    deletes: DeleteSettings = Field(default_factory=DeleteSettings, description="The guard against mass deletion.")
    errors: ErrorSettings = Field(default_factory=ErrorSettings, description="When many failures become one.")
    chunks: ChunkSettings = Field(default_factory=ChunkSettings, description="How documents are cut.")
    options: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _one_target_is_a_list_of_one(cls, table: Any) -> Any:
        if not isinstance(table, dict) or table.get("target") is None:
            return table
        if "targets" in table:
            raise ValueError("has both target and targets; one of them is right")
        return {**table, "targets": [table["target"]]}

    @field_validator("targets")
    @classmethod
    def _each_once(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(targets)) < len(targets):
            raise ValueError("names a target twice")
        return targets


class TargetSettings(Table):
    """`[targets.NAME]`: a knowledge store.

    Attributes:
        name: The table's name.
        options: What belongs to the plugin, not validated yet: see `Settings.bind`.
    """

    name: str
    type: str = Field(min_length=1, description="Kind of knowledge store: the plugin that writes it.")
    options: Mapping[str, Any] = Field(default_factory=dict)


def host_keys(table: type[ConnectorSettings] | type[TargetSettings]) -> frozenset[str]:
    """Give the keys of a table that belong to the host; all others are the plugin's."""
    return frozenset(table.model_fields) - {"name", "options"}


def _processes() -> int:
    return min(os.cpu_count() or 1, 4)


class ConversionSettings(Table):
    """`[conversion]`: the bounds of the child processes that turn content into Markdown."""

    processes: int = Field(
        default_factory=_processes, ge=1, description="Child processes; the number of processors, but at most 4."
    )
    timeout_seconds: float = Field(default=60, gt=0, description="Time for one document.")
    memory_bytes: int = Field(default=1 << 30, ge=1 << 26, description="Memory of one child process.")


class HistorySettings(Table):
    """`[history]`: how long runs and replaced versions are kept."""

    retention_days: float = Field(
        default=30, ge=0, description="How long runs, and what they replaced, are kept for `connector undo`."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    from ipaddress import ip_address  # 2 ms, for those who name a host

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class BlackoutSettings(Table):
    """`[[jobs.NAME.blackouts]]`: a window in which the job does not start, on the clock of the job's time zone."""

    days: tuple[Weekday, ...] = Field(
        default=WEEKDAYS, min_length=1, description="Days on which the window begins; every day if not set."
    )
    start: time = Field(description="First moment of the window, such as `08:00`.")
    end: time = Field(
        description="First moment after the window; earlier than `start` for a window that passes midnight."
    )

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end should differ; for whole days write 00:00 and 23:59:59")
        return self


class JobSettings(Table):
    """`[jobs.NAME]`: a schedule and the names of connectors."""

    connectors: tuple[str, ...] = Field(min_length=1, description="Names of the connectors to run, in this order.")
    schedule: str = Field(min_length=1, description="When: five fields as in cron, such as `0 3 * * *`.")
    timezone: str = Field(default="UTC", description="Time zone of the schedule, such as `Europe/Berlin`.")
    overlap: Literal["skip", "queue"] = Field(
        default="skip",
        description="What happens when the job is due while it, or another run of one of its connectors, is under way: "
        "that time is left out, or waits (of several, the latest).",
    )
    catch_up: Literal["latest", "none"] = Field(
        default="latest",
        description="Whether the latest of the times is made up for that were missed by more than five minutes, or broken off.",
    )
    jitter_seconds: int = Field(
        default=0,
        ge=0,
        le=3600,
        description="Start up to so much later, by an amount that is fixed for each due time, so that not all jobs start at once.",
    )
    blackouts: tuple[BlackoutSettings, ...] = Field(
        default=(), description="Windows in which the job does not start; what is due in them is left out."
    )
    max_duration: TimeSpan = Field(
        default="1d", description="How long it may take, such as `90m`; after that it is stopped, and said to be so."
    )
    enabled: bool = Field(default=True, description="Whether the schedule counts.")

    @field_validator("schedule")
    @classmethod
    def _comes_due(cls, schedule: str) -> str:
        if len(schedule.split()) != 5:  # minute, hour, day, month, weekday
            raise ValueError("should have five fields: minute, hour, day of month, month, day of week")
        from cronsim import CronSim, CronSimError  # few files have jobs

        try:
            next(CronSim(schedule, datetime(2024, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            raise ValueError(
                f"should be a cron expression such as `0 3 * * *`, and has a {str(error).lower()}"
            ) from None
        except StopIteration:
            raise ValueError("should come due some day, and never does") from None
        return schedule

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, timezone: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # few files have jobs, and it costs 4 ms

        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("should be a time zone of the IANA database, such as Europe/Berlin") from None
        return timezone


class ServeSettings(Table):
    """`[serve]`: the process that runs jobs."""

    max_runs: int = Field(
        default=4, ge=1, le=64, description="Jobs that run at a time; each runs its connectors in turn."
    )
    stop_seconds: float = Field(
        default=60,
        gt=0,
        description="How long a run that is asked to stop may take over the documents in hand before it is killed.",
    )
    host: str = Field(default="127.0.0.1", description="Where `/healthz`, `/readyz` and `/metrics` are served.")
    port: int = Field(default=9464, ge=0, le=65535, description="The port; 0 for any free one.")
    token: SecretStr | None = Field(
        default=None,
        description="What `/metrics` wants as a bearer token; needed where others than this machine can reach it.",
    )

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.token is None and self.host != "127.0.0.1" and not is_loopback(self.host):
            raise ValueError(f"host {self.host} can be reached by others, so it needs a token")
        return self


Topic = Literal["failure", "withheld", "stale", "recovery"]


class NotificationSettings(Table):
    """`[notifications.NAME]`: where people are told that something is wrong, and that it is well again."""

    type: Literal["webhook", "apprise"] = Field(
        description="`webhook` for signed JSON, `apprise` for mail, Slack, Teams and what else Apprise reaches."
    )
    url: SecretStr = Field(
        description="Where to: an address of http, or one of Apprise, such as `mailtos://…` or `slack://…`."
    )
    secret: SecretStr | None = Field(
        default=None, description="What a webhook is signed with (HMAC-SHA256): any text, or `whsec_` and base64."
    )
    on: tuple[Topic, ...] = Field(
        default=("failure", "withheld", "stale", "recovery"), min_length=1, description="What to tell."
    )

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.type == "webhook" and self.secret is None:
            raise ValueError("a webhook needs a secret to be signed with")
        if self.type == "apprise" and self.secret is not None:
            raise ValueError("only a webhook is signed; for apprise, everything stands in the url")
        return self


class TraceSettings(Table):
    """`[traces]`: runs as OpenTelemetry traces; the extra `otel` brings what is needed."""

    endpoint: str | None = Field(
        default=None, description="Where to send them by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`."
    )
    token: SecretStr | None = Field(default=None, description="What is sent along as a bearer token.")


class PluginSettings(Table):
    """`[plugins]`: where to look for plugins besides the installed ones."""

    paths: tuple[Path, ...] = Field(
        default=(),
        description="Modules, packages and folders of them; each is imported as `connector_plugins.NAME`.",
    )
