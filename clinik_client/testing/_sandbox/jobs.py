"""Jobs of a sandbox: how far each has come, by the sandbox's clock (contract: bulk)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from attrs import define, field

from .clock import moment_after

__all__ = ["Job"]

JobType = Literal["export", "import"]
JobStatus = Literal["pending", "processing", "completed"]


@define(eq=False)
class Job:
    """An export or an import on its way: a quarter of its time it waits, then it takes record after record.

    Args:
        id: its id.
        type: what it does.
        started: when it was asked for.
        seconds: how long it takes; ``math.inf`` for ever.
        total: how many records it has to do with.
        errors: what is wrong with some of them, each after the count of records before it.
        download: path and query of the file that it makes, if it makes one.
    """

    id: str
    type: JobType
    started: datetime
    seconds: float
    total: int
    errors: Sequence[tuple[int, str]] = field(default=(), repr=False)
    download: str | None = field(default=None, repr=False)
    done: bool = False
    """It has come to its end, and stays there, even if the clock is set back."""

    @property
    def ends(self) -> datetime:
        """When it is completed."""
        return moment_after(self.started, self.seconds)

    def progress(self, now: datetime) -> tuple[JobStatus, int]:
        """Its status at a moment, and how many records it has processed."""
        if self.done or now >= self.ends:
            return "completed", self.total
        begins = moment_after(self.started, self.seconds / 4)
        if now < begins:
            return "pending", 0
        return "processing", int(self.total * ((now - begins) / (self.ends - begins)))

    def shown(self, now: datetime, downloads_url: str) -> dict[str, Any]:
        """What is told of it.

        Args:
            now: what time it is.
            downloads_url: where the files of exports are.
        """
        status, processed = self.progress(now)
        told: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "status": status,
            "totalRecords": self.total,
            "processedRecords": processed,
            "errors": [text for before, text in self.errors if before < processed],
        }
        if status == "completed" and self.download is not None:
            told["downloadUrl"] = downloads_url + self.download
        return told
