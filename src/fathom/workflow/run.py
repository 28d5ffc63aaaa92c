"""A trained run: everything that lies in its folder, and what can be done with it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from fathom.base.errors import RunError, listed
from fathom.base.files import read_lines, read_sealed, seal_of
from fathom.base.records import Finding, findings_from
from fathom.models.model import Model, load_model
from fathom.reports.page import in_frame
from fathom.workflow.bands import Band

_FINISHED = ("preparation.json", "model.safetensors", "answers.json")


@dataclass(frozen=True)
class Run:
    """A run folder, opened. Nothing in it is executed.

    Attributes:
        folder: where it lies.

    Example:
        run = fathom.load("runs/houses-001")
        run.score["metrics"]["rmse"]["value"]
    """

    folder: Path

    @cached_property
    def model(self) -> Model:
        """Preparation and networks.

        Raises:
            RunError: the training did not finish, or a file is damaged.
        """
        self.check_finished()
        return load_model(self.folder)

    @cached_property
    def record(self) -> dict[str, Any]:
        """Data fingerprint, seed, versions, machine, every decision."""
        return read_sealed(self.folder / "record.json")

    @property
    def speed(self) -> dict[str, Any]:
        """Where the time went, in plain numbers; empty where the run did not finish.

        Example:
            print(run.speed["sentence"])
        """
        return self.record.get("speed", {})

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed in the data, the gravest first; none in runs of earlier versions.

        Raises:
            RunError: the file is damaged.
        """
        place = self.folder / "findings.json"
        return findings_from(read_sealed(place)["findings"]) if place.exists() else ()

    @cached_property
    def score(self) -> dict[str, Any]:
        """score.json: metrics with intervals beside baselines.

        Raises:
            RunError: the run was not scored, or did not finish.
        """
        return read_sealed(self.folder / "score.json")

    @property
    def scored(self) -> bool:
        """Whether there is a score."""
        return (self.folder / "score.json").exists()

    @property
    def score_gone(self) -> bool:
        """Whether there was a score, and its file is there no more."""
        place = self.folder / "predictions" / "test.parquet"
        if self.scored or not self.finished or not place.exists():
            return False
        try:
            truths = pl.read_parquet(place).select(pl.col("^truth: .*$").is_not_null().any())
        except (OSError, pl.exceptions.PolarsError):
            return True  # whatever it was, it was written for a score
        return any(truths.row(0))

    @cached_property
    def answers(self) -> dict[str, Any]:
        """Thresholds and bands, as held rows chose them.

        Raises:
            RunError: the training did not finish; the file is damaged, or was made for another
                model.
        """
        self.check_finished()
        place = self.folder / "answers.json"
        found = read_sealed(place)
        if found.get("model") != seal_of(self.folder / "preparation.json"):
            raise RunError(
                "The thresholds and intervals of the run are those of another model.",
                where=str(place),
                expected="a file that was written with preparation.json",
                got="one that was written with another",
                do="A file of another run was put here: restore it, or train again.",
            )
        return found

    @property
    def bands(self) -> dict[str, Band]:
        """Target column -> interval or set."""
        return {name: Band.from_dict(item) for name, item in self.answers["bands"].items()}

    @property
    def history(self) -> list[dict[str, Any]]:
        """One record per check (of the first part, where there are folds)."""
        single = self.folder / "history.jsonl"
        return read_lines(single if single.exists() else self.folder / "folds/0/history.jsonl")

    @property
    def reported(self) -> bool:
        """Whether a report was wished for."""
        return bool(self.record["decided"].get("report", True))

    @property
    def report(self) -> Path:
        """The report page."""
        return self.folder / "report.html"

    @property
    def network(self) -> Any:
        """The plain `nn.Module` of the first part: yours to do with as you like."""
        return self.model.parts[0].network

    @property
    def finished(self) -> bool:
        """Whether everything was written that a training writes."""
        last = [self.folder / "MODEL_CARD.md", self.folder / "answers.json"]
        return all(file.exists() for file in last + [self.report] * self.reported)

    def check_finished(self, needed: Sequence[str] = _FINISHED) -> None:
        """A run that was interrupted has no model yet.

        Args:
            needed: files without which it is of no use for what shall be done.

        Raises:
            RunError: it is unfinished, with the command that goes on.
        """
        lacking = [name for name in needed if not (self.folder / name).exists()]
        if lacking:
            raise RunError(
                "This run is unfinished: its training was interrupted, or still goes on.",
                where=str(self.folder),
                expected="a finished run",
                got=f"a folder without {listed(lacking)}",
                do=f"Finish it first: fathom train --resume {shlex.quote(str(self.folder))}",
            )

    def __repr__(self) -> str:
        verdict = self.score["verdict"] if self.scored else "not scored"
        return f"Run({str(self.folder)!r})\n{verdict}"

    def _repr_html_(self) -> str | None:
        """The run in a notebook: its report, in a frame of its own; None before there is one."""
        if not self.report.is_file():
            return None
        page = self.report.read_text(encoding="utf-8")
        return in_frame(page, f"fathom report: {self.folder.name}")


def load(folder: "Run | str | Path") -> Run:
    """Open a run folder; a run that is open already comes back as it is.

    Raises:
        RunError: there is none.
    """
    if isinstance(folder, Run):
        return folder
    if not isinstance(folder, str | Path):
        raise RunError(
            "This is no run.",
            where="the argument `run`",
            expected="a run, or the path of its folder",
            got=type(folder).__name__,
            do="Pass what fathom.train returned, or the folder that it wrote.",
        )
    place = Path(folder)
    try:
        there, exists = (place / "record.json").is_file(), place.exists()
    except OSError:
        there = exists = False
    if not there:
        raise RunError(
            "There is no run here.",
            where=str(place),
            expected="a folder that `fathom train` wrote",
            got="no such folder" if not exists else "a folder without record.json",
            do="Check the path; runs lie under runs/ unless --out said otherwise.",
        )
    return Run(place)
