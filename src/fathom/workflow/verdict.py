"""What is known of one target after scoring."""

from dataclasses import dataclass

from fathom.evaluation.baselines import Baseline
from fathom.evaluation.intervals import Interval
from fathom.evaluation.score import Score
from fathom.heads.head import Answer
from fathom.models.preparation import Column
from fathom.workflow.judge import Truth


@dataclass(frozen=True)
class Verdict:
    """One target, scored.

    Attributes:
        column: the target.
        score: metrics beside baselines, with the verdict.
        truth: of the test rows.
        answer: of the model to the test rows whose target is known.
        coverage: measured share of truths inside intervals or sets, with its own interval; None
            where there are none.
        baselines: with their seconds and why one is absent.
    """

    column: Column
    score: Score
    truth: Truth
    answer: Answer
    coverage: Interval | None
    baselines: tuple[Baseline, ...]
