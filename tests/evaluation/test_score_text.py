"""What a person reads in the terminal."""

from fathom.evaluation.score_text import score_text


def test_a_baseline_that_is_missing_is_told_with_its_reason() -> None:
    found = {"value": 3.25, "low": 3.0, "high": 3.5}
    score = {
        "verdict": "Better.",
        "target": "price",
        "rows": 50,
        "primary_metric": "rmse",
        "metrics": {"rmse": found},
        "baselines": {"constant": {"rmse": found}},
        "strongest_baseline": "constant",
        "absent_baselines": {"linear": "could not be fitted: no columns\nand a trace"},
    }
    assert score_text(score).splitlines()[-2:] == [
        "  constant: 3.25 (95 % interval 3 to 3.5)",
        "  linear: none, could not be fitted: no columns",
    ]
