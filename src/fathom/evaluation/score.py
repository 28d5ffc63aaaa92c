"""The score of a model: metrics with intervals, beside baselines, with a verdict in words.

Whole on purpose: truth, answers and baselines' answers go in, everything that score.json holds
comes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fathom.base.errors import RecipeError, listed, nearest
from fathom.base.files import plain
from fathom.evaluation.compare import Comparison, compare_pair, corrected
from fathom.evaluation.intervals import Interval, above_mae, interval_of
from fathom.evaluation.ledger import Looks
from fathom.evaluation.notes import (
    limits_notes,
    looks_notes,
    metric_notes,
    rows_notes,
    split_notes,
    unseen_note,
)
from fathom.evaluation.recipe import RecipeComparison, compare_recipe
from fathom.evaluation.replicates import Replicates, Resampling, replicate
from fathom.evaluation.rows import Rows, check_answer
from fathom.evaluation.seen import SeenRows
from fathom.evaluation.verdict import verdict
from fathom.metrics.catalogue import METRICS, metric_named
from fathom.metrics.record import Answer, Metric

_BY_MEMORY = (
    "It is better there than what it was compared with, as it would be by memory alone: score it "
    "on rows that it has not seen."
)
_TASK_WORDS = {
    "regression": "regression",
    "binary": "classification",
    "multiclass": "classification",
    "multilabel": "multilabel",
}
_MODEL = "this model"


@dataclass(frozen=True, kw_only=True)
class About:
    """What a score says beside its numbers.

    Attributes:
        target: the column that is predicted.
        split: which rows were scored.
        strongest: the baseline chosen on validation rows to be compared with; None = none.
        absent: baselines without an answer, and why.
        limits: baselines from which something was cut to keep them to a few seconds, and what.
        looks: how many models were scored on these rows; None where it makes no sense.
        seen: how many of these rows were trained on; None = not known, or none by the split.
        lost: which inputs tell nothing in these rows, in a sentence that leads; "" = none.
        recalled: what an earlier score said of a baseline that is not among these; "" = nothing.
        notes: what else should stand beside the score.
        seconds: how long the run took.
    """

    target: str
    split: str = "test"
    strongest: str | None = None
    absent: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    looks: Looks | None = None
    seen: SeenRows | None = None
    lost: str = ""
    recalled: str = ""
    notes: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """How good a model is on some rows, for one target; `to_dict` gives score.json.

    Attributes:
        task: "regression", "classification" or "multilabel".
        target: the column that is predicted.
        split: which rows were scored.
        rows: how many.
        left_out: which rows could not be scored, in a sentence; "" = none.
        looks: models scored on these rows so far, this one included; None = unknown.
        primary_metric: the metric that the verdict is about.
        metrics: the model's scores.
        baselines: name -> the same metrics.
        strongest_baseline: chosen on validation rows; None = none could answer.
        absent_baselines: name -> why it has no answer.
        comparisons: paired tests, the primary one first.
        recipe: the same over several seeds; None = one seed.
        verdict: plain words.
        caution: why the verdict must not be taken as it stands, with which it begins; "" = nothing.
        recalled: what an earlier score said, with which the verdict ends; "" = nothing.
        seen: scored rows that were trained on; None = not known, or none by the split.
        notes: what should be known when reading the numbers.
        seconds: how long the run took.
    """

    task: str
    target: str
    split: str
    rows: int
    left_out: str
    looks: int | None
    primary_metric: str
    metrics: Mapping[str, Interval]
    baselines: Mapping[str, Mapping[str, Interval]]
    strongest_baseline: str | None
    absent_baselines: Mapping[str, str]
    comparisons: tuple[Comparison, ...]
    recipe: RecipeComparison | None
    verdict: str
    caution: str
    recalled: str
    seen: int | None
    notes: tuple[str, ...]
    seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """The content of score.json."""
        content = {
            "task": self.task,
            "target": self.target,
            "split": self.split,
            "rows": self.rows,
            "left_out": self.left_out,
            "looks": self.looks,
            "primary_metric": self.primary_metric,
            "metrics": _scores_to_dict(self.metrics),
            "baselines": {name: _scores_to_dict(one) for name, one in self.baselines.items()},
            "strongest_baseline": self.strongest_baseline,
            "absent_baselines": dict(self.absent_baselines),
            "comparisons": [item.to_dict() for item in self.comparisons],
            "recipe": None if self.recipe is None else self.recipe.to_dict(),
            "verdict": self.verdict,
            "seen_in_training": self.seen,
            "notes": list(self.notes),
            "seconds": self.seconds,
        }
        return plain(content)


def _scores_to_dict(scores: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: found.to_dict() for name, found in scores.items()}


def build_score(
    rows: Rows,
    answer: Answer,
    baselines: Mapping[str, Answer],
    about: About,
    *,
    metric: str | None = None,
    seeds: Sequence[Answer] = (),
    plan: Resampling | None = None,
) -> Score:
    """Score a model beside its baselines.

    Args:
        rows: the truth, with weights and clusters. Rows whose class (-1) was not among the
            training rows are left out and counted in the notes.
        answer: what the model says.
        baselines: name -> what each baseline says about the same rows.
        about: target, split, the strongest baseline, looks and notes.
        metric: the primary metric; None = the task's own.
        seeds: answers of the same recipe with other seeds, for a claim about the recipe.
        plan: how intervals are made.

    Raises:
        DataError: an answer does not fit the rows.
        RecipeError: the task has no such metric, or the strongest baseline is not among those
            given.

    Example:
        >>> rows = Rows(task="regression", truth=np.arange(31.0))
        >>> near = Answer(number=np.arange(31.0) + np.tile([1.0, -1.0], 16)[:31])
        >>> score = build_score(rows, near, {"constant": Answer(number=np.full(31, 15.0))},
        ...                     About(target="price", strongest="constant"))
        >>> score.metrics["rmse"].value, score.comparisons[0].better
        (1.0, True)
    """
    primary = metric_named(rows.task, metric)
    plan = plan or Resampling()
    _check_strongest(about.strongest, baselines)
    for name, one in (("this model", answer), *baselines.items(), *_numbered(seeds)):
        check_answer(rows, one, name)
    unseen = unseen_note(rows, answer)
    kept = np.flatnonzero(rows.known())
    answers = {_MODEL: answer.rows(kept), **{k: one.rows(kept) for k, one in baselines.items()}}
    scored = _scored(rows.at(kept), answers, primary, plan)
    comparisons = _comparisons(scored, about.strongest, primary)
    recipe = None
    if seeds and about.strongest is not None and comparisons[0].low is not None:
        models = [answers[_MODEL], *(one.rows(kept) for one in seeds)]
        theirs = (about.strongest, answers[about.strongest])
        recipe = compare_recipe(scored.rows, models, theirs, primary, plan)
    notes = (*_notes(scored), *looks_notes(about.looks), *split_notes(about.split))
    return _worded(scored, primary, comparisons, recipe, about, (*unseen, *notes), "".join(unseen))


def _numbered(seeds: Sequence[Answer]) -> list[tuple[str, Answer]]:
    return [(f"seed {place}", one) for place, one in enumerate(seeds, start=2)]


@dataclass(frozen=True)
class _Scored:
    """All answers scored on all rows that can be, before words are found for it."""

    rows: Rows
    answers: Mapping[str, Answer]
    replicates: Mapping[str, Mapping[str, Replicates]]
    scores: Mapping[str, Mapping[str, Interval]]


def _scored(
    rows: Rows, answers: Mapping[str, Answer], primary: Metric, plan: Resampling
) -> _Scored:
    table = METRICS[rows.task]
    headline = [one for one in table.values() if one.headline or one is primary]
    found = replicate(rows, answers, headline, plan)
    scores = {name: _scores(rows, one, found[name], table) for name, one in answers.items()}
    return _Scored(rows, answers, found, scores)


def _notes(scored: _Scored) -> list[str]:
    rows, mine = scored.rows, scored.scores[_MODEL]
    absent = metric_notes(rows, scored.answers[_MODEL], mine, METRICS[rows.task])
    return [*rows_notes(rows), *absent]


def _worded(
    scored: _Scored,
    primary: Metric,
    comparisons: Sequence[Comparison],
    recipe: RecipeComparison | None,
    about: About,
    notes: Sequence[str],
    left_out: str,
) -> Score:
    seeds = None if recipe is None else (recipe.comparison, len(recipe.scores))
    first = comparisons[0] if comparisons else None
    seen = about.seen.sentence if about.seen is not None else ""
    leads = about.seen is not None and about.seen.leads
    caution = " ".join(part for part in (seen if leads else "", about.lost) if part)
    said = verdict(
        first,
        primary,
        len(scored.rows),
        comparisons[1:],
        seeds,
        only=len(scored.answers) == 2,
        new=not caution,
    )
    if about.seen is not None and about.seen.worthless and first is not None and first.better:
        said = _BY_MEMORY
    limits = limits_notes(about.limits, about.strongest or "")
    return Score(
        task=_TASK_WORDS[scored.rows.task],
        target=about.target,
        split=about.split,
        rows=len(scored.rows),
        left_out=left_out,
        looks=None if about.looks is None else about.looks.count,
        primary_metric=primary.name,
        metrics=scored.scores[_MODEL],
        baselines={name: one for name, one in scored.scores.items() if name != _MODEL},
        strongest_baseline=about.strongest,
        absent_baselines=dict(about.absent),
        comparisons=tuple(comparisons),
        recipe=recipe,
        caution=caution,
        recalled=about.recalled,
        seen=None if about.seen is None else about.seen.count - about.seen.near,
        verdict=" ".join(part for part in (caution, said, *limits, about.recalled) if part),
        notes=(
            *([seen] if seen and not leads else []),
            *notes,
            *limits_notes(about.limits),
            *about.notes,
        ),
        seconds=about.seconds,
    )


def _check_strongest(strongest: str | None, baselines: Mapping[str, Answer]) -> None:
    if strongest is not None and strongest not in baselines:
        raise RecipeError(
            f"The baseline to compare with, '{strongest}', is not among those given.",
            expected=f"one of {listed(baselines)}",
            got=f"'{strongest}'",
            do=nearest(strongest, baselines) or "Name one that has answers, or none.",
        )


def _scores(
    rows: Rows, answer: Answer, found: Mapping[str, Replicates], table: Mapping[str, Metric]
) -> dict[str, Interval]:
    """Every metric that can be had, with its interval where there is one."""
    num_units = len(np.unique(rows.units()))
    scores: dict[str, Interval] = {}
    for name, metric in table.items():
        if name in found:
            scores[name] = interval_of(found[name], metric, num_units, rows.unit_name)
        elif not metric.why_absent(rows.truth, answer, rows.weight):
            value = metric.value(rows.truth, answer, rows.weight)
            scores[name] = Interval(value, reason="resampling inflates it")
    return above_mae(scores)


def _comparisons(scored: _Scored, strongest: str | None, primary: Metric) -> list[Comparison]:
    """The primary test against the strongest baseline; then the others, corrected together.

    The others are the same metric against the other baselines, and other metrics against the
    strongest.
    """
    if strongest is None:
        return []
    rows, found = scored.rows, scored.replicates
    if primary.name not in found[_MODEL] or primary.name not in found[strongest]:
        return [_untold(scored, primary, strongest)]

    def compared(metric: Metric, against: str) -> Comparison:
        pair = (found[_MODEL][metric.name], found[against][metric.name])
        return compare_pair(pair, metric, rows, against)

    pairs = [
        (primary, name)
        for name in found
        if name not in (_MODEL, strongest) and primary.name in found[name]
    ]
    pairs += [
        (metric, strongest)
        for metric in METRICS[rows.task].values()
        if metric is not primary
        and metric.greater_is_better is not None
        and metric.name in found[_MODEL]
        and metric.name in found[strongest]
    ]
    return [compared(primary, strongest), *corrected([compared(*pair) for pair in pairs])]


def _untold(scored: _Scored, metric: Metric, against: str) -> Comparison:
    rows, nothing = scored.rows, float("nan")
    reasons = (
        metric.why_absent(rows.truth, scored.answers[name], rows.weight)
        for name in (_MODEL, against)
    )
    return Comparison(
        metric=metric.name,
        against=against,
        ours=nothing,
        theirs=nothing,
        reason=next(reason for reason in reasons if reason),
    )
