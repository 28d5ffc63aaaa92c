"""Figures and names as people read them on a page."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from fathom.reports.content import Score

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MOST_DECIMALS = 6

METRIC_NAMES = {
    "rmse": "RMSE",
    "mae": "MAE",
    "median_absolute_error": "median error",
    "r2": "R²",
    "mape": "MAPE",
    "roc_auc": "ROC AUC",
    "f1": "F1",
    "f1_macro": "F1, macro",
    "f1_micro": "F1, micro",
    "f1_weighted": "F1, weighted",
    "brier_score": "Brier score",
    "expected_calibration_error": "calibration error",
    "matthews_corrcoef": "Matthews correlation",
}
"""What a metric is called on a page, where that is not its name with spaces."""


def spaced(name: str) -> str:
    """A name of ours with spaces: "boosted_trees" is read "boosted trees"."""
    return name.replace("_", " ")


def metric_name(name: str) -> str:
    """What a metric is called on a page.

    Example:
        >>> metric_name("rmse"), metric_name("balanced_accuracy")
        ('RMSE', 'balanced accuracy')
    """
    return METRIC_NAMES.get(name, spaced(name))


def number(value: float | None, decimals: int | None = None) -> str:
    """A figure with thousands set apart: whole from a hundred on, else three digits.

    Args:
        value: None is written as a dash; NaN and infinity are shown as what they are.
        decimals: how many, whatever the size; None = as many as the size deserves.

    Example:
        >>> [number(value) for value in (45102.3372, 12.3456, 0.71234, -0.5, 3)]
        ['45,102', '12.3', '0.712', '−0.5', '3']
    """
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if isinstance(value, int | np.integer) and abs(value) < 10**15:
        return f"{value:,}".replace("-", "−")
    size = abs(value)
    if size >= 1e15 or (0 < size < 1e-4 and decimals is None):
        return _with_power(value)
    text = f"{value:,.{_decimals(size) if decimals is None else decimals}f}"
    if decimals is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def _decimals(size: float) -> int:
    """So that three digits are left, none of them after the point from a hundred on."""
    return 0 if size == 0 else max(0, 2 - math.floor(math.log10(size)))


def _with_power(value: float) -> str:
    digits, power = f"{value:.2e}".split("e")
    digits = digits.rstrip("0").rstrip(".").replace("-", "−")
    return f"{digits} × 10{str(int(power)).translate(_RAISED)}"


def decimals_for(scores: Iterable[Score | None]) -> int | None:
    """How many decimals the scores of one metric share, so that they can be compared by eye.

    Two digits of the usual half-width of their intervals; without intervals three digits of the
    usual size. None when that would be too long a row of noughts.

    Example:
        >>> decimals_for([(0.91324, 0.9011, 0.9252), (0.8, 0.78, 0.81)])
        3
    """
    kept = [score for score in scores if score is not None and math.isfinite(score[0])]
    halves = [
        (high - low) / 2
        for _, low, high in kept
        if low is not None and high is not None and 0 < high - low < math.inf
    ]
    sizes = [abs(score[0]) for score in kept if score[0]]
    if halves:
        found = 1 - math.floor(math.log10(float(np.median(halves))))
    elif sizes:
        found = 2 - math.floor(math.log10(float(np.median(sizes))))
    else:
        return None
    return max(0, found) if found <= _MOST_DECIMALS else None


def interval(low: float | None, high: float | None, decimals: int | None = None) -> str:
    """ "a to b", or nothing when an end is missing.

    Example:
        >>> interval(43871.2, 46330.8)
        '43,871 to 46,331'
    """
    if low is None or high is None:
        return ""
    return f"{number(low, decimals)} to {number(high, decimals)}"


def share(value: float | None) -> str:
    """A share as a percentage; what is small but not nought, and nearly but not all, stays so.

    Example:
        >>> [share(value) for value in (0.9042, 0.25, 0.0, 0.0001, 0.99999)]
        ['90.4 %', '25 %', '0 %', '< 0.1 %', '> 99.9 %']
    """
    if value is None or not math.isfinite(value):
        return "–"
    if 0 < value < 0.001:
        return "< 0.1 %"
    if 0.999 < value < 1:
        return "> 99.9 %"
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def seconds(value: float | None) -> str:
    """A stretch of time.

    Example:
        >>> [seconds(value) for value in (0.0421, 31.2, 125.0, 11520.0)]
        ['0.04 s', '31 s', '2 min 05 s', '3 h 12 min']
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value < 9.95:
        return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(value / 60)
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def counted(count: int, one: str, several: str = "") -> str:
    """A count with its noun.

    Example:
        >>> counted(1, "row"), counted(4128, "row")
        ('1 row', '4,128 rows')
    """
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def setting(value: Any) -> str:
    """A value of the recipe, close to how it is written there.

    Example:
        >>> setting(True), setting(0.00030000000000000003), setting(["a", "b"]), setting({"k": 3})
        ('true', '0.0003', 'a, b', 'k = 3')
    """
    if value is None:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {setting(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence | np.ndarray | set | frozenset) and not isinstance(value, str):
        return ", ".join(setting(item) for item in value) or "none"
    return str(value)


_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_BREAK_AFTER = re.compile(r"([_/\\]+(?=.)|[.:,;]+(?=[^\W\d])|[^\s_/\\.:,;]{20}(?=\S))")


def writable(text: str) -> str:
    """Text without what no page may hold, each replaced by a mark that can be seen.

    These are control characters, halves of characters, and the characters that turn the direction
    of the text around them, with which a cell could show itself as something else.

    Example:
        >>> writable("a\\x00b\\u202ec")
        'a\ufffdb\ufffdc'
    """
    seen = _UNWRITABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return seen.encode("utf-8", "replace").decode("utf-8")


def breakable(text: object) -> Markup:
    """The person's own words, escaped, with places where a line may break in a long name.

    Example:
        >>> print(breakable("price_per_<room>"))
        price_<wbr>per_<wbr>&lt;room&gt;
    """
    text = str(text)
    ends = [0, *(found.end() for found in _BREAK_AFTER.finditer(text)), len(text)]
    return Markup("<wbr>").join(text[start:end] for start, end in pairwise(ends))


def cut(text: object, most: int = 160) -> str:
    """Text of the person's own, shortened where it would fill the page.

    Example:
        >>> cut("abcdef", 4)
        'abc…'
    """
    text = str(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
