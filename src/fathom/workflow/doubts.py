"""Why a score must not be taken as it stands: rows that were learned from, inputs that are lost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from fathom.columns.kind import Values
from fathom.evaluation.seen import SeenRows
from fathom.inspection.near_pictures import ACROSS
from fathom.models.preparation import Preparation
from fathom.workflow.lost import lost_inputs, lost_sentence
from fathom.workflow.run import Run
from fathom.workflow.seen import Seen, read_seen
from fathom.workflow.study import Study
from fathom.workflow.transfer import BODY

# In a test file that was given: fewer copies are a finding, and no matter for the verdict.
_NOTABLE = 0.1
# Nobody looked at them beforehand, and a split of our making promises new rows.
_NOTABLE_BEFORE = 0.01


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """What speaks against a score on some rows.

    Attributes:
        seen: fingerprints of the rows that were learned from; None = not known, or none by the
            split.
        times: how often each row of the table stands among them.
        notable: the share from which it belongs into the verdict.
        when: they were seen.
        near: rows whose pictures show nearly what a training picture shows, as far as that was
            looked for.
        lost: which inputs the rows no longer hold, in a sentence; "" = none.
    """

    seen: Seen | None = None
    times: Int[np.ndarray, " rows"] | None = None
    notable: float = _NOTABLE_BEFORE
    when: str = "in training"
    near: int = 0
    lost: str = ""

    def seen_rows(self, known: Bool[np.ndarray, " rows"]) -> SeenRows | None:
        """How many of the rows with a known target were learned from."""
        if self.seen is None or self.times is None:
            return None
        found = self.seen.among(self.times[known], self.notable, self.when)
        near = min(self.near, found.rows - found.count)
        if not near:
            return found
        # A near copy is none by chance: collections are full of pictures that are less alike.
        return replace(found, count=found.count + near, near=near, by_chance=False)


def doubts_of_run(run: Run, values: Mapping[str, Values]) -> Doubts:
    """About rows on which a run is scored later."""
    preparation, seen = run.model.preparation, read_seen(run.folder)
    times = None if seen is None else seen.times(preparation, values)
    return Doubts(seen=seen, times=times, lost=_lost(preparation, values))


def doubts_of_training(
    made: Study, preparation: Preparation, folder: Path, values: Mapping[str, Values]
) -> Doubts:
    """About the test rows of a training.

    Rows that were held out of the same file are no copies, since the split keeps copies together;
    but a network to start from may have learned from their pictures.

    Args:
        made: what was trained on.
        preparation: fitted on it.
        folder: of the run, with its fingerprints.
        values: parsed test rows.
    """
    if made.material.given_test:
        seen = read_seen(folder)
        times = None if seen is None else seen.times(preparation, values)
        near, lost = _near(made, preparation), _lost(preparation, values)
        return Doubts(seen=seen, times=times, notable=_NOTABLE, near=near, lost=lost)
    transfer = made.resolved.transfer
    if transfer is None or (seen := read_seen(folder / BODY)) is None:
        return Doubts()
    when = f"when {transfer.body.origin} was trained"
    return Doubts(seen=seen, times=seen.times(preparation, values), when=when)


def _near(made: Study, preparation: Preparation) -> int:
    """Test rows that are near copies; beside other inputs a picture does not make the row."""
    if any(column.kind.name != "image" for column in preparation.inputs):
        return 0
    found = (one.facts for one in made.findings if one.code == ACROSS)
    return sum(facts["count"] for facts in found if facts.get("part") == "test")


def _lost(preparation: Preparation, values: Mapping[str, Values]) -> str:
    return lost_sentence(lost_inputs(preparation, values), len(preparation.inputs))
