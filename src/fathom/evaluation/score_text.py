"""A score as a person reads it in a terminal."""

from collections.abc import Mapping
from typing import Any


def score_text(score: Mapping[str, Any]) -> str:
    """Verdict, score and baselines with their intervals, in a few lines.

    Args:
        score: the content of score.json.

    Example:
        >>> found = {"value": 3.25, "low": 3.0, "high": 3.5}
        >>> print(score_text({"verdict": "Better.", "target": "price", "rows": 50, "baselines": {},
        ...                   "primary_metric": "rmse", "metrics": {"rmse": found}}))
        Better.
        <BLANKLINE>
        price: rmse 3.25 (95 % interval 3 to 3.5) on 50 rows
    """
    lines = [score["verdict"], ""]
    for item in score.get("targets", [score]):
        metric = item["primary_metric"]
        found = item["metrics"].get(metric)
        told = "cannot be measured" if found is None else _with_interval(found)
        lines.append(f"{item['target']}: {metric} {told} on {item['rows']:,} rows")
        lines += [f"  {item['left_out']}"] if item.get("left_out") else []
        for name, metrics in item["baselines"].items():
            if metric in metrics:
                lines.append(f"  {_rival(name, item)}: {_with_interval(metrics[metric])}")
        absent = item.get("absent_baselines") or {}
        lines += [f"  {name}: none, {_first_line(why)}" for name, why in absent.items()]
        if metric != "accuracy" and (right := item["metrics"].get("accuracy")) is not None:
            lines.append(f"{item['target']}: accuracy {_with_interval(right)}")
    if score.get("still_falling"):
        lines.append(score["still_falling"])
    looks = score.get("looks")
    if looks and looks > 1:
        lines.append(f"So far {looks} models were scored on these rows on this machine.")
    return "\n".join(lines)


def _rival(name: str, score: Mapping[str, Any]) -> str:
    """A baseline's name, and what makes it the one to compare with."""
    chosen = name == score["strongest_baseline"] and len(score["baselines"]) > 1
    return f"{name} (the strongest on the validation rows)" if chosen else name


def _first_line(reason: str) -> str:
    return reason.splitlines()[0][:120] if reason else "no reason is known"


def _with_interval(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "cannot be measured"
    value = f"{found['value']:,.5g}"
    if found.get("low") is None:
        return value
    return f"{value} (95 % interval {found['low']:,.5g} to {found['high']:,.5g})"
