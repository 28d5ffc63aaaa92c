"""What is said first of a model: of its one target, or of all of them in a clause each."""

from collections.abc import Sequence

from fathom.evaluation.compare import Comparison
from fathom.evaluation.score import Score
from fathom.evaluation.words import number_in_words

_SAID = {True: "better", False: "worse", None: "not shown to be better"}


def headline(scores: Sequence[Score]) -> str:
    """The verdict over all targets: on how many it is better, then each of them.

    Args:
        scores: one per target, at least one.
    """
    if len(scores) == 1:
        return scores[0].verdict
    num_better = sum(one.better is True for score in scores for one in score.comparisons[:1])
    counted = f"on {num_better} of {len(scores)}" if num_better else f"on none of {len(scores)}"
    cautions = list(dict.fromkeys(score.caution for score in scores if score.caution))
    alone = all(len(score.baselines) < 2 for score in scores)
    rival = "only baseline measured" if alone else "strongest baseline"
    first = f"Better than the {rival} {counted} targets."
    earlier = [f"{score.target}: {score.recalled}" for score in scores if score.recalled]
    return " ".join([*cautions, first, "; ".join(map(_clause, scores)) + ".", *earlier])


def stands(score: Score) -> bool | None:
    """Better (True) than all baselines, or worse than the strongest (False); None = not known.

    The strongest is so on the rows that choose; on those that are scored another may be nearer.
    """
    if not score.comparisons:
        return None
    first, *others = score.comparisons
    unbeaten = any(
        one.better is not True and one.low is not None and one.metric == first.metric
        for one in others
    )
    # Rows that were seen in training flatter a model: worse than a baseline it is all the same.
    return None if first.better and (score.caution or unbeaten) else first.better


def stand_together(scores: Sequence[Score]) -> bool | None:
    """Better or worse on all targets alike; None where they differ or it is not known."""
    found = {stands(score) for score in scores}
    return next(iter(found)) if len(found) == 1 else None


def _clause(score: Score) -> str:
    if not score.comparisons:
        return f"{score.target}: not compared, no baseline could answer"
    told = score.comparisons[0]
    return f"{score.target}: {_SAID[told.better]} ({_figures(told)})"


def _figures(told: Comparison) -> str:
    if told.low is None:
        return told.reason
    ours, theirs = number_in_words(told.ours), number_in_words(told.theirs)
    return f"{told.metric} {ours} against {theirs} of {told.against}"
