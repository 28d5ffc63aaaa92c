"""Laws that every metric of every task obeys: weights, order, span, perfection."""

import numpy as np
import pytest

from fathom.metrics.catalogue import METRICS
from fathom.metrics.record import Answer, Metric, Task

NUM_ROWS = 97
ALL: list[tuple[Task, Metric]] = [
    (task, metric) for task, table in METRICS.items() for metric in table.values()
]


def over(pairs: list[tuple[Task, Metric]]) -> pytest.MarkDecorator:
    names = [f"{task}-{metric.name}" for task, metric in pairs]
    return pytest.mark.parametrize(("task", "metric"), pairs, ids=names)


each_metric = over(ALL)
each_with_floats = over([pair for pair in ALL if pair[1].needs != "label"])
# Calibration and width say nothing of how near answers are to the truth.
each_that_sees_nearness = over(
    [pair for pair in ALL if pair[1].headline and pair[1].needs != "interval"]
)


def problem(task: Task, seed: int = 0) -> tuple[np.ndarray, Answer]:
    """Truth and middling answers, with ties among the scores."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        truth = rng.normal(50, 5, NUM_ROWS)
        number = truth + rng.normal(0, 3, NUM_ROWS)
        return truth, Answer(number=number, interval=np.stack([number - 4, number + 4], axis=1))
    if task == "multilabel":
        truth = (rng.random((NUM_ROWS, 5)) < 0.3).astype(int)
        probability = np.clip(0.4 * truth + rng.random((NUM_ROWS, 5)) * 0.6, 0, 1).round(1)
        return truth, Answer.of_sets(probability)
    classes = 2 if task == "binary" else 7
    truth = rng.integers(0, classes, NUM_ROWS)
    raw = (rng.random((NUM_ROWS, classes)) + 0.6 * np.eye(classes)[truth]).round(1) + 0.05
    return truth, Answer.of_classes(raw / raw.sum(axis=1, keepdims=True))


@each_metric
def test_whole_weights_are_repeated_rows(task: Task, metric: Metric) -> None:
    truth, answer = problem(task)
    counts = np.random.default_rng(1).integers(0, 4, NUM_ROWS)
    index = np.repeat(np.arange(NUM_ROWS), counts)
    weighted = metric.value(truth, answer, counts.astype(float))
    assert weighted == pytest.approx(metric.value(truth[index], answer.rows(index)), abs=1e-12)


@each_metric
def test_only_ratios_of_weights_matter(task: Task, metric: Metric) -> None:
    truth, answer = problem(task)
    weight = np.random.default_rng(2).random(NUM_ROWS)
    assert metric.value(truth, answer, 13 * weight) == pytest.approx(
        metric.value(truth, answer, weight), abs=1e-12
    )


@each_metric
def test_a_stack_of_weights_gives_one_value_each(task: Task, metric: Metric) -> None:
    truth, answer = problem(task)
    stack = np.random.default_rng(3).poisson(1.0, (11, NUM_ROWS)).astype(float)
    part = answer.part(metric.needs)
    assert part is not None
    together = np.asarray(metric.compute(truth, part, stack))
    alone = [float(metric.compute(truth, part, weight)) for weight in stack]
    assert together == pytest.approx(alone, abs=1e-12)


@each_metric
def test_the_order_of_rows_does_not_matter(task: Task, metric: Metric) -> None:
    truth, answer = problem(task)
    order = np.random.default_rng(4).permutation(NUM_ROWS)
    assert metric.value(truth[order], answer.rows(order)) == pytest.approx(
        metric.value(truth, answer), abs=1e-12
    )


@each_metric
def test_values_stay_in_their_span(task: Task, metric: Metric) -> None:
    for seed in range(5):
        value = metric.value(*problem(task, seed))
        assert metric.span[0] <= value <= metric.span[1]


@each_metric
def test_answers_without_a_fault_are_perfect(task: Task, metric: Metric) -> None:
    truth, _ = problem(task)
    if task == "regression":
        answer = Answer(number=truth, interval=np.stack([truth, truth], axis=1))
    elif task == "multilabel":
        answer = Answer.of_sets(truth.astype(float))
    else:
        answer = Answer.of_classes(np.eye(truth.max() + 1)[truth])
    best = 1.0 if metric.perfect is None else metric.perfect
    assert metric.value(truth, answer) == pytest.approx(best, abs=1e-12)


@each_that_sees_nearness
def test_better_answers_score_better(task: Task, metric: Metric) -> None:
    truth, answer = problem(task)
    if answer.probability is None:
        worse = Answer(number=truth + 2 * (np.asarray(answer.number) - truth))
    else:
        mixed = np.roll(answer.probability, 1, axis=0)
        worse = Answer.of_sets(mixed) if task == "multilabel" else Answer.of_classes(mixed)
    gain = metric.value(truth, answer) - metric.value(truth, worse)
    assert (gain > 0) == metric.greater_is_better


@each_metric
def test_no_rows_give_a_reason_not_a_crash(task: Task, metric: Metric) -> None:
    truth, answer = problem(task)
    none = np.arange(0)
    assert metric.why_absent(truth[none], answer.rows(none)) == "there are no rows to score"
    assert np.isnan(metric.value(truth[none], answer.rows(none)))
    part = answer.rows(none).part(metric.needs)
    assert part is not None
    assert np.isnan(metric.compute(truth[none], part, None))


@each_with_floats
def test_answers_that_are_not_numbers_are_counted(task: Task, metric: Metric) -> None:
    truth, answer = problem(task)
    part = answer.part(metric.needs)
    assert part is not None
    broken = part.copy()
    broken[:3] = np.nan
    bad = Answer(**{metric.needs: broken})
    assert metric.why_absent(truth, bad) == "3 of 97 answers are not finite numbers"
    assert np.isnan(metric.value(truth, bad))


@each_metric
def test_a_sentence_explains_it(task: Task, metric: Metric) -> None:
    assert metric.sentence.endswith(".")
    assert 20 < len(metric.sentence) < 200
