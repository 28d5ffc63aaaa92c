"""What an earlier score of the same model said of a baseline that cannot be measured again."""

from collections.abc import Mapping
from typing import Any

from fathom.evaluation.words import number_in_words

# The baseline that can be measured on any rows.
_HERE = "constant"


def recalled(score: Mapping[str, Any], target: str) -> str:
    """That the model was no better than its strongest baseline, in a sentence.

    On other rows only the constant answer can be measured, and to beat it is little where a simple
    model did as well.

    Args:
        score: the content of score.json.
        target: the column that is predicted.

    Returns:
        The sentence; "" where the model was better, or nothing is known.

    Example:
        >>> told = {"against": "boosted_trees", "metric": "rmse", "better": False}
        >>> found = {"target": "price", "comparisons": [told], "metrics": {"rmse": {"value": 47.0}},
        ...          "baselines": {"boosted_trees": {"rmse": {"value": 44.0}}}}
        >>> print(recalled(found, "price"))
        On the rows held out in its training it was worse than boosted_trees (rmse 47 against 44), \
which cannot be measured here.
    """
    own = next((one for one in score.get("targets", [score]) if one["target"] == target), None)
    told = next(iter(own["comparisons"]), None) if own is not None else None
    if own is None or told is None or told["better"] or told["against"] == _HERE:
        return ""
    metric, rival = told["metric"], told["against"]
    pair = (own["metrics"].get(metric), own["baselines"][rival].get(metric))
    values = [found["value"] for found in pair if found and found["value"] is not None]
    figures = ""
    if len(values) == 2:
        ours, theirs = map(number_in_words, values)
        figures = f" ({metric} {ours} against {theirs})"
    was = "worse" if told["better"] is False else "not shown to be better"
    return (
        f"On the rows held out in its training it was {was} than {rival}{figures}, which cannot "
        "be measured here."
    )
