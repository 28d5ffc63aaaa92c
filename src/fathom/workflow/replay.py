"""The verb replay: train a run again from its record, and say whether it matched."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from fathom.base.machine import machine, versions
from fathom.training.journal import Journal
from fathom.training.learner import Event
from fathom.workflow.learn import Watch, part_folder
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run, load
from fathom.workflow.settings import BY_KEY
from fathom.workflow.train import Sources, left_out_of, sources_of, train


@dataclass(frozen=True)
class Replay:
    """What a second training came to.

    Attributes:
        verdict: "same bits" or "differs".
        reasons: what was different this time, where the bits differ.
        largest: the largest difference of a weight.
        folder: the second run.
    """

    verdict: str
    reasons: tuple[str, ...]
    largest: float
    folder: str

    @property
    def wording(self) -> str:
        """The outcome in a sentence."""
        if self.verdict == "same bits":
            return f"Same bits: every weight of {self.folder} equals the first run's."
        why = "; ".join(self.reasons) or "the record names no difference"
        return f"Differs by up to {self.largest:.3g} in a weight: {why}. The run: {self.folder}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def replay(
    run: Run | str | Path,
    out: str | Path | None = None,
    watch: Watch | None = None,
    sources: Sources | None = None,
) -> Replay:
    """Train again with every decision as it was recorded.

    Args:
        run: the first run, or its folder.
        out: the folder of the second; None = beside the first.
        watch: told of the progress.
        sources: the rows again, for runs from tables in memory.

    Raises:
        RunError, DataError: the run is unfinished, or the data are not there any more.
    """
    run = load(run)
    run.check_finished(("model.safetensors",))
    record = run.record
    recipe = Recipe.of(record["decided"], record["kinds"])
    torch.set_num_threads(record["machine"]["threads"])
    place = Path(out) if out is not None else _beside(run.folder)
    given = sources or sources_of(recipe, run.folder)
    second = train(recipe, given, place, watch, _events(run), left_out_of(record))
    largest = _largest_difference(run, second)
    reasons = tuple(_differences(record, second))
    verdict = "same bits" if largest == 0.0 else "differs"
    return Replay(verdict, reasons, largest, str(second.folder))


def _events(run: Run) -> tuple[tuple[Event, ...], ...]:
    """What departed from the plan in each part: a batch that was split rounds otherwise."""
    num_parts = run.record["decided"].get("split.folds") or 1
    places = [part_folder(run.folder, number, num_parts) for number in range(num_parts)]
    return tuple(tuple(Journal(place).events()) for place in places)


def _beside(folder: Path) -> Path:
    number = 1
    while (place := folder.with_name(f"{folder.name}-replay-{number}")).exists():
        number += 1
    return place


def _largest_difference(first: Run, second: Run) -> float:
    one = load_file(first.folder / "model.safetensors")
    two = load_file(second.folder / "model.safetensors")
    if one.keys() != two.keys() or any(one[n].shape != two[n].shape for n in one):
        return float("inf")
    if all(torch.equal(one[name], two[name]) for name in one):
        return 0.0
    return max(
        float((one[n].double() - two[n].double()).abs().max()) for n in one if one[n].numel()
    )


def _settings(record: dict[str, Any], second: Run) -> list[tuple[str, Any, Any]]:
    """Decisions that came out otherwise: the record holds them twice, one copy was changed."""
    before, now = (
        {item["key"]: item["value"] for item in one["decisions"]} for one in (record, second.record)
    )
    keys = [key for key in before if key in BY_KEY and key != "time"]
    return [(key, before[key], now.get(key)) for key in keys if before[key] != now.get(key)]


def _differences(record: dict[str, Any], second: Run) -> list[str]:
    found: list[str] = []
    if record["data"] != second.record["data"]:
        found.append("the data changed")
    if record.get("body") != second.record.get("body"):
        found.append("the run that it started from changed")
    found += [
        f"the setting {key}: {before} then, {now} now"
        for key, before, now in _settings(record, second)
    ]
    for what, before, now in (
        ("version of", record["versions"], versions()),
        ("machine's", record["machine"], machine()),
    ):
        found += [
            f"{what} {key}: {before[key]} then, {now.get(key)} now"
            for key in before
            if before[key] != now.get(key)
        ]
    return found
