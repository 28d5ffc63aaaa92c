"""The plain words above the score: better than the strongest baseline or not, said first."""

from collections.abc import Sequence

from fathom.evaluation.compare import Comparison
from fathom.evaluation.words import number_in_words, times_in_words
from fathom.metrics.record import Metric

_OF_FINDS = ("precision", "recall", "f1")


def verdict(
    primary: Comparison | None,
    metric: Metric,
    num_rows: int,
    others: Sequence[Comparison] = (),
    recipe: tuple[Comparison, int] | None = None,
    *,
    only: bool = False,
    new: bool = True,
) -> str:
    """Is the network better than the strongest baseline, by how much, how sure?

    The strongest is the one that was best on the validation rows; the scored rows do not choose it.

    What is said of this trained model (other rows of the kind) is kept apart from what is said of
    the recipe (other rows and other seeds).

    Args:
        primary: the network against the strongest baseline by the primary metric; None when no
            baseline has an answer.
        metric: the primary metric.
        num_rows: rows that were scored.
        others: the other comparisons, corrected for being several.
        recipe: the recipe against the same baseline, and over how many seeds; None = one seed.
        only: there was no other baseline, so that it is not called the strongest.
        new: the rows were not trained on; else nothing is said of other rows of the kind.

    Returns:
        A few sentences, the most important first.

    Example:
        >>> from fathom.metrics.catalogue import metric_named
        >>> rmse = metric_named("regression")
        >>> told = Comparison(metric="rmse", against="boosted_trees", ours=47.0, theirs=44.0,
        ...                   low=1.0, high=5.0, p_value=0.004, better=False)
        >>> print(verdict(told, rmse, 500).split(",")[0])
        Worse than the strongest baseline: on 500 rows boosted_trees has rmse 44
    """
    if primary is None:
        return (
            "Not compared: no baseline could answer, so nothing is known of whether this model is "
            "better than guessing."
        )
    rival = "the only baseline measured" if only else "the strongest baseline"
    same_answer = next((one for one in others if _of_constant(one, primary)), None)
    sentences = [
        _first(primary, metric, num_rows, rival, same_answer),
        *_surprises(primary, others, same_answer),
        *_nearer_rivals(primary, others, metric),
    ]
    if recipe is not None:
        sentences.append(_of_recipe(*recipe))
    elif primary.better is not None and new:
        sentences.append(
            "This is said of this one trained model, on other rows of the kind; whether the same "
            "recipe comes out so with another seed was not measured."
        )
    return " ".join(sentences)


def _of_constant(one: Comparison, primary: Comparison) -> bool:
    return one.against == "constant" and one.metric == primary.metric


def _first(
    told: Comparison, metric: Metric, num_rows: int, rival: str, same_answer: Comparison | None
) -> str:
    ours, theirs = number_in_words(told.ours), number_in_words(told.theirs)
    scores = f"{told.against} has {told.metric} {theirs}, this model {ours}"
    if told.low is None or told.high is None or told.p_value is None:
        return (
            f"Not shown to be better than {rival}: on {num_rows:,} rows {scores}, "
            f"and nothing can be said of the difference ({told.reason})."
        )
    gap = number_in_words(abs(told.difference))
    # The ends of the gap's own size, so that no reader has to turn signs round.
    ends = sorted((told.low, told.high), key=abs)
    low, high = (number_in_words(abs(end)) for end in ends)
    chance = times_in_words(told.p_value)
    if told.better is None:
        ends_as_told = f"{number_in_words(told.low)} to {number_in_words(told.high)}"
        return (
            f"Not shown to be better than {rival}: on {num_rows:,} rows {scores}; "
            f"the difference of {number_in_words(told.difference)} (95 % interval {ends_as_told}) "
            f"may be chance, which alone shows as much {chance}."
        )
    sure = f"(95 % interval {low} to {high}); chance alone shows as much {chance}"
    if not told.better:
        advice = f"Use {told.against}, or see what it finds and the network misses."
        if same_answer is not None and not _ahead(told.theirs, same_answer.theirs, metric):
            advice = f"{told.against} is no better than always giving the same answer: use neither."
        return f"Worse than {rival}: on {num_rows:,} rows {scores}, a gap of {gap} {sure}. {advice}"
    way = "higher" if metric.greater_is_better else "lower"
    return f"Better than {rival}: on {num_rows:,} rows {scores}, {way} by {gap} {sure}."


def _ahead(ours: float, theirs: float, metric: Metric) -> bool:
    return ours > theirs if metric.greater_is_better else ours < theirs


def _surprises(
    primary: Comparison, others: Sequence[Comparison], same_answer: Comparison | None
) -> list[str]:
    """What the first sentence alone would hide."""
    sentences: list[str] = []
    # Where rows are too few for a test, nothing is said of this one either, good or bad.
    if same_answer is not None and same_answer.low is not None and not same_answer.better:
        worse = same_answer.better is False
        allowed = "" if worse or len(others) < 2 else _allowed_for(same_answer, len(others))
        if primary.better:
            is_what = "worse" if worse else "not shown to be better"
            sentences.append(
                f"That says little: this model is {is_what} than always giving the same answer"
                f"{allowed}."
            )
        else:
            is_what = "worse" if worse else "not even shown to be better"
            sentences.append(f"It is {is_what} than always giving the same answer{allowed}.")
    same = [other for other in others if other.against == primary.against]
    worse = [other.metric for other in same if other.better is False]
    if primary.better and worse:
        sentences.append(f"By other metrics it is worse: {', '.join(worse)}.")
    better = [other.metric for other in same if other.better and not _given(other)]
    if not primary.better and better:
        sentences.append(f"By other metrics it is better: {', '.join(better)}.")
    return sentences


def _allowed_for(told: Comparison, num: int) -> str:
    """That the interval of the line alone may say otherwise."""
    if told.low is None or told.high is None or told.low <= 0 <= told.high:
        return ""
    return f" once it is allowed for that {num} comparisons were made"


def _given(told: Comparison) -> bool:
    """Whether anyone is ahead who ever answers yes: who always says no finds nothing."""
    return told.against == "constant" and told.metric in _OF_FINDS


def _nearer_rivals(primary: Comparison, others: Sequence[Comparison], metric: Metric) -> list[str]:
    """Baselines that come out ahead of the one which the validation rows chose."""
    return [
        f"On these rows {one.against} did better than {primary.against} "
        f"({one.metric} {number_in_words(one.theirs)}), and this model is "
        f"{'not shown to be better' if one.better is None else 'worse'} than it."
        for one in others
        if one.metric == primary.metric
        and one.against not in ("constant", primary.against)
        and not one.better
        and _ahead(one.theirs, primary.theirs, metric)
    ]


def _of_recipe(told: Comparison, num_seeds: int) -> str:
    said = {
        True: "The recipe is better",
        False: "The recipe is worse",
        None: "The recipe is not shown to be better",
    }[told.better]
    mean, theirs = number_in_words(told.ours), number_in_words(told.theirs)
    text = f"{said}: over {num_seeds} seeds its mean {told.metric} is {mean} against {theirs}"
    if told.low is None or told.high is None or told.p_value is None:
        return f"{text} ({told.reason})."
    low, high = number_in_words(told.low), number_in_words(told.high)
    return (
        f"{text}, a difference of {number_in_words(told.difference)} (95 % interval {low} to "
        f"{high}, rows and seeds both taken as chance)."
    )
