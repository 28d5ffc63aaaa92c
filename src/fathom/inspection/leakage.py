"""Columns that give the target away."""

import numpy as np
from jaxtyping import Float

from fathom.base.errors import listed
from fathom.base.records import Finding
from fathom.inspection.alone import Measure, Truth, score_alone
from fathom.inspection.column import Column
from fathom.inspection.identifiers import identifier_reason
from fathom.inspection.recoded import says_the_same
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import percent, several, short

# Honest single columns are seldom this good: the best in 40 real tables that we looked at reach an
# AUC of 0.986 (the smell of mushrooms) and 99.3 % of the ranks (the speed of a yacht).
_GIVEN_AWAY: dict[Measure, float] = {"auc": 0.995, "skill": 0.995, "r2": 0.997}
_STRONG: dict[Measure, float] = {"auc": 0.97, "skill": 0.95, "r2": 0.97}
# With fewer rows a perfect order may be luck, above all where there are many columns.
_ENOUGH, _SOME, _LEAST_BEYOND = 100, 30, 8
# A sum of inputs: so little may be left, in so many rows and among so many columns at most.
_LEFT, _ROWS, _COLUMNS = 1e-4, 5_000, 300


def find_leakage(sheet: Sheet) -> list[Finding]:
    """Inputs that foretell a target alone, and inputs whose sum is the target."""
    found: list[Finding] = []
    for target in sheet.sample.learned:
        truth = Truth.of(target)
        if truth is None or len(truth.rows) < _SOME or truth.num_beyond < _LEAST_BEYOND:
            continue
        found += _single(sheet, target, truth)
        found += _sum_of_inputs(sheet.sample, target) if target.kind == "number" else []
    return found


def _single(sheet: Sheet, target: Column, truth: Truth) -> list[Finding]:
    found: list[Finding] = []
    for column in sheet.sample.inputs:
        if column.levels.num == 0 or _marks_time(column):
            continue
        score = score_alone(truth, column)
        same = says_the_same(column, target)
        if same or score >= _GIVEN_AWAY[truth.measure]:
            found.append(_suspect(column, target, truth, score, same))
        elif score >= _STRONG[truth.measure]:
            found.append(_strong(column, target, truth.measure, score))
    return found


def _marks_time(column: Column) -> bool:
    """Whether a column only says when or where a row stands.

    In a series, the neighbours in time give a row away, whatever is measured: that is told as
    `time_order`, and no column is to blame.
    """
    return column.kind == "date" or bool(identifier_reason(column))


def _measured(measure: Measure, score: float, target: Column) -> str:
    if measure == "auc":
        return f"an AUC of {score:.3f} (1 is perfect, 0.5 is guessing)"
    if measure == "skill":
        return (
            f"{percent(score)} of the mistakes avoided that always naming the commonest class makes"
        )
    return f"{percent(score)} of the differences in rank of '{target.name}' explained"


def _suspect(column: Column, target: Column, truth: Truth, score: float, same: bool) -> Finding:
    """High when there are enough rows that it cannot be luck."""
    evidence = f"On held-out rows, '{column.name}' alone reaches "
    evidence += f"{_measured(truth.measure, score, target)}."
    if same and target.numeric:
        evidence += " Both put all rows in the same order."
    elif same:
        rows = target.levels.first[np.argsort(-target.levels.counts, kind="stable")[:3]]
        pairs = [(target.levels.codes[row], column.levels.codes[row]) for row in rows.tolist()]
        shown = several(
            f"{short(column.word(int(there)))} = {short(target.word(int(here)))}"
            for here, there in pairs
            if there < column.levels.num and here < target.levels.num
        )
        evidence += f" It says the same in other words: {shown}."
    return Finding(
        code="leakage_suspect",
        severity="high" if len(truth.rows) >= _ENOUGH else "medium",
        title=f"'{column.name}' gives '{target.name}' away.",
        evidence=evidence,
        advice=f"Ask whether '{column.name}' is known before '{target.name}' is. If it is not, "
        "leave it out: the score would mean nothing.",
        columns=(column.name, target.name),
        facts={
            "column": column.name,
            "target": target.name,
            "measure": truth.measure,
            "score": score,
            "same": same,
            "action": "drop",
        },
    )


def _strong(column: Column, target: Column, measure: Measure, score: float) -> Finding:
    return Finding(
        code="strong_column",
        severity="low",
        title=f"'{column.name}' alone nearly decides '{target.name}'.",
        evidence=f"On held-out rows it reaches {_measured(measure, score, target)}.",
        advice="That may be honest. Make sure that it is known at the time of the prediction.",
        columns=(column.name, target.name),
        facts={"target": target.name, "measure": measure, "score": score, "action": "keep"},
    )


def _sum_of_inputs(sheet: Sheet, target: Column) -> list[Finding]:
    """A target that a weighted sum of several inputs gives exactly, on rows held out."""
    columns = [
        column
        for column in sheet.inputs
        if column.kind == "number" and column.levels.num > 1 and column.levels.num_absent == 0
    ][:_COLUMNS]
    rows = np.flatnonzero(target.present)[:_ROWS]
    if len(columns) < 2 or len(rows) < 4 * len(columns) + _SOME:
        return []
    x = np.stack([_unit(column.values.data[rows]) for column in columns], axis=1)
    weights, left = _least_squares(x, _unit(target.values.data[rows]))
    used = np.flatnonzero(np.abs(weights) >= 0.01)
    if left > _LEFT or len(used) < 2:
        return []
    ranked = used[np.argsort(-np.abs(weights[used]), kind="stable")]
    names = [columns[place].name for place in ranked.tolist()]
    return [
        Finding(
            code="target_is_a_sum",
            severity="medium",
            title=f"'{target.name}' is a weighted sum of {len(names)} inputs.",
            evidence=f"On held-out rows, a linear formula of {listed(names)} leaves "
            f"{percent(max(left, 0.0))} of the variance.",
            advice="If the target was computed from these columns, there is nothing to learn: "
            "leave out those that are not known before it.",
            columns=(*names, target.name),
            facts={"target": target.name, "left": left, "action": "check_origin"},
        )
    ]


def _unit(data: np.ndarray) -> Float[np.ndarray, " rows"]:
    """Mean 0, standard deviation 1, safe for huge numbers."""
    scaled = data.astype(np.float64) / max(float(np.abs(data).max()), 1e-300)
    centred = scaled - scaled.mean()
    return centred / max(float(centred.std()), 1e-300)


def _least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights from every other row, and the share of variance that they leave on the rest."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    weights = np.linalg.lstsq(x[::2], y[::2], rcond=None)[0]
    left = ((y[1::2] - x[1::2] @ weights) ** 2).sum() / max(
        float(((y[1::2] - y[1::2].mean()) ** 2).sum()), 1e-300
    )
    return weights[:-1], float(left)
