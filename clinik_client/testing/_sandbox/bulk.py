"""Exports, imports and their jobs in a sandbox (contract: bulk)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from ..._fhir_datetime import FhirDateTime
from .._answers import Headers, Refused, envelope, replaced
from .._backend import Answer
from .bulk_lines import read_lines
from .clock import moment_after
from .downloads import Downloads
from .encounter_routes import RoutedCall
from .jobs import Job, JobType
from .limits import Limiter
from .parameters import check_body, check_parameters
from .settings import SandboxSettings
from .store import Store, visible_at

__all__ = ["BulkRoutes"]

_DOWNLOADABLE_SECONDS: Final = 3600


class BulkRoutes:
    """Answers calls about many encounters of one store at once.

    Args:
        store: the records.
        limiter: counts what the organization asks.
        settings: how the sandbox answers.
        downloads: takes the files of exports.
        new_id: makes up the id of a record.
        new_text: makes up another id, or a token, from its beginning and the number of further characters.
    """

    def __init__(
        self,
        store: Store,
        limiter: Limiter,
        settings: SandboxSettings,
        downloads: Downloads,
        new_id: Callable[[], str],
        new_text: Callable[[str, int], str],
    ) -> None:
        self._store = store
        self._limiter = limiter
        self._settings = settings
        self._downloads = downloads
        self._new_id = new_id
        self._new_text = new_text
        self._jobs: dict[str, Job] = {}
        self._imports: list[tuple[Job, list[dict[str, Any]]]] = []
        """Those that are not completed yet."""

    def answer(self, call: RoutedCall) -> Answer:
        """Do what is asked.

        Raises:
            Refused: it cannot be done, and nothing was.
        """
        check_parameters(call.operation, call.query)
        answers: dict[str, Callable[[RoutedCall], Answer]] = {
            "export": self._export,
            "import": self._import,
            "job": self._job,
        }
        return answers[call.operation](call)

    def settle(self, now: datetime) -> None:
        """Let those imports take effect that are completed by now."""
        ended = sorted((job.ends, number) for number, (job, _) in enumerate(self._imports) if job.ends <= now)
        for moment, number in ended:
            job, records = self._imports[number]
            job.done = True
            visible = visible_at(moment, self._settings.lag)
            for record in records:
                self._store.put({"id": record.get("id") or self._free_id(), **record}, visible, moment)
        self._imports = [(job, records) for job, records in self._imports if not job.done]

    def _export(self, call: RoutedCall) -> Answer:
        since = check_body("export", call.request.body).get("since")
        headers = self._limiter.take_bulk(call.key, call.now)
        first = None if since is None else FhirDateTime.parse(since)
        records = [stored for stored in self._store if first is None or stored.changed >= first]
        job = self._new_job("export", len(records), call)
        token, until = self._new_text("", 32), moment_after(job.ends, _DOWNLOADABLE_SECONDS)
        job.download = self._downloads.add(job.id, token, records, self._settings.shape, until)
        return self._started(job, headers, call)

    def _import(self, call: RoutedCall) -> Answer:
        lines = read_lines(check_body("import", call.request.body)["data"])
        headers = self._limiter.take_bulk(call.key, call.now, len(lines.records))
        job = self._new_job("import", lines.total, call)
        job.errors = lines.errors
        self._imports.append((job, lines.records))
        return self._started(job, headers, call)

    def _job(self, call: RoutedCall) -> Answer:
        job = self._jobs.get(call.path[0])
        if job is None:
            raise Refused(404, "NOT_FOUND", "The job was not found.")
        return Answer(envelope(job.shown(call.now, self._downloads.url), 200, call.headers))

    def _new_job(self, kind: JobType, total: int, call: RoutedCall) -> Job:
        job = Job(self._new_text("job_", 9), kind, call.now, self._settings.job_seconds, total)
        self._jobs[job.id] = job
        return job

    def _free_id(self) -> str:
        while self._store.get(record_id := self._new_id()) is not None:
            pass
        return record_id

    def _started(self, job: Job, headers: Headers, call: RoutedCall) -> Answer:
        status, _ = job.progress(call.now)
        told = {"jobId": job.id, "status": status, "message": f"The {job.type} was started."}
        return Answer(envelope(told, 202, replaced(call.headers, headers)), applied=True)
