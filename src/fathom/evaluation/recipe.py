"""Claims about a recipe, not about one trained model: the rows vary, and so does the seed.

"This model is better" says: on other rows of the kind it would be. "This recipe is better" says:
trained again with another seed, on these training rows, it would be. The second needs several
models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fathom.base.errors import DataError
from fathom.evaluation.compare import Comparison, why_untold
from fathom.evaluation.intervals import LEVEL
from fathom.evaluation.replicates import Replicates, Resampling, replicate
from fathom.evaluation.rows import Rows
from fathom.metrics.record import Answer, Metric


@dataclass(frozen=True)
class RecipeComparison:
    """Several models of one recipe against one baseline.

    Attributes:
        comparison: the mean score of the seeds against the baseline's.
        scores: the score of each seed.
        row_error: standard error that other rows would bring.
        seed_error: standard error that other seeds would bring.
    """

    comparison: Comparison
    scores: Float[np.ndarray, " seeds"]
    row_error: float
    seed_error: float

    def to_dict(self) -> dict[str, object]:
        """As in score.json."""
        return {
            **self.comparison.to_dict(),
            "scores": self.scores.tolist(),
            "row_error": self.row_error,
            "seed_error": self.seed_error,
        }


def compare_recipe(
    rows: Rows,
    answers: Sequence[Answer],
    theirs: tuple[str, Answer],
    metric: Metric,
    plan: Resampling | None = None,
) -> RecipeComparison:
    """Is a recipe better than a baseline, rows and seeds taken as chance?

    The variance of the mean difference is the sum of both sources: of rows (paired
    bootstrap of the mean over seeds) and of seeds (their spread / number of seeds).
    Student's t with Satterthwaite's degrees of freedom, so that three seeds are trusted as little
    as three numbers deserve.

    Args:
        rows: what is scored.
        answers: of models that differ in the seed alone.
        theirs: the baseline's name and its answers.
        metric: one metric.
        plan: how the rows are drawn.

    Raises:
        DataError: fewer than two models, or the metric cannot be had.
    """
    if len(answers) < 2:
        raise DataError(
            "A claim about a recipe needs models of several seeds.",
            expected="answers of two models or more, trained with different seeds",
            got=f"{len(answers)}",
            do="Train again with other seeds, or speak of this one model.",
        )
    named = {str(place): answer for place, answer in enumerate(answers)}
    for answer in (*answers, theirs[1]):
        if reason := metric.why_absent(rows.truth, answer, rows.weight):
            raise DataError(
                f"The recipe cannot be scored by {metric.name}.",
                got=reason,
                do="Choose another metric, or score more rows.",
            )
    found = replicate(rows, {**named, "theirs": theirs[1]}, [metric], plan)
    ours = [found[name][metric.name] for name in named]
    return _compared(ours, found["theirs"][metric.name], metric, rows, theirs[0])


def _compared(
    ours: list[Replicates], theirs: Replicates, metric: Metric, rows: Rows, against: str
) -> RecipeComparison:
    from scipy.special import stdtr, stdtrit

    mean = Replicates(
        float(np.mean([seed.value for seed in ours])),
        np.mean([seed.draws for seed in ours], axis=0),
        np.mean([seed.left_out for seed in ours], axis=0),
    )
    gap = (mean - theirs).finite
    scores = np.array([seed.value for seed in ours])
    row_variance = gap.standard_error() ** 2
    seed_variance = float(scores.var(ddof=1)) / len(ours)
    error = float(np.sqrt(row_variance + seed_variance))
    reason = why_untold(metric, rows, gap)
    if error > 0 and not reason:
        freedom = _satterthwaite(
            (row_variance, gap.degrees_of_freedom()), (seed_variance, len(ours) - 1.0)
        )
        reach = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
        p_value = float(2 * stdtr(freedom, -abs(gap.value) / error))
        told = None if p_value >= 1 - LEVEL else (gap.value > 0) == metric.greater_is_better
        ends = (gap.value - reach, gap.value + reach)
    else:
        p_value, told, ends = None, None, (None, None)
        reason = reason or "neither rows nor seeds vary"
    comparison = Comparison(
        metric=metric.name,
        against=against,
        ours=mean.value,
        theirs=theirs.value,
        low=ends[0],
        high=ends[1],
        p_value=p_value,
        better=told,
        reason=reason,
    )
    return RecipeComparison(
        comparison, scores, float(np.sqrt(row_variance)), float(np.sqrt(seed_variance))
    )


def _satterthwaite(*parts: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of variances: (Σv)² / Σ(v²/df)."""
    total = sum(variance for variance, _ in parts)
    return total**2 / sum(variance**2 / freedom for variance, freedom in parts)
