"""Numbers as people write them: "1,234.5", "1.234,5", "$1,200", "(35)", "12 %", "50."."""

from typing import Literal

import numpy as np
import polars as pl

from fathom.columns.cells import as_text, clean, counted
from fathom.columns.kind import Repair, Values

Decimal = Literal["auto", "point", "comma"]
INFINITE = "an infinite number read as an absent value"
ROUNDED = "more digits than a number keeps: rounded, so that different ones became equal"
# From here on not every whole number has a float of its own.
_EXACT = 2.0**53

_BLANKS = r"[ \u00a0\u2007\u2009\u202f'’]"
_EXPONENT = r"([eE][+-]?\d+)?$"
_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+|(?i)inf(inity)?)" + _EXPONENT
_COMMA_DECIMAL = r"^[+-]?(\d+,\d*|,\d+)" + _EXPONENT
_COMMA_GROUPS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_DOT_GROUPS = r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"
_BLANK_GROUPS = rf"^[+-]?\d{{1,3}}({_BLANKS}\d{{3}})+([.,]\d*)?$"
# 1,234 and 1.234 are the two writings that only the rest of the column can decide.
_EITHER = r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$"
_MONEY = r"[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|JPY)\b"
_NUMERIC = (pl.Boolean, pl.Decimal)


def read_numbers(raw: pl.Series, decimal: Decimal = "auto") -> Values:
    """Read numbers, the clean ones at once, the others with a counted repair.

    What cannot be read becomes an absent value, and a repair says how many and shows some.
    A percent sign is dropped: "12%" is 12, so that answers come back in the same unit.

    Args:
        raw: strings, or already typed.
        decimal: what separates the decimals where a cell allows two readings ("1,234");
            "auto" decides over the column.

    Example:
        >>> values = read_numbers(pl.Series(["1.234,5", "2,25", "?", "about 3"]))
        >>> values.data[:2].tolist(), values.present.tolist()
        ([1234.5, 2.25], [True, True, False, False])
        >>> [(repair.what, repair.count) for repair in values.repairs[1:]]
        [('decimal comma read as a point', 2), ('signs that group thousands dropped', 1),
         ('not a number: read as an absent value', 1)]
    """
    values = _read(raw, decimal)
    repairs = (*values.repairs, *_rounded(values, raw))
    return Values(values.data, values.present, repairs)


def _read(raw: pl.Series, decimal: Decimal) -> Values:
    if raw.dtype.is_numeric() or raw.dtype in _NUMERIC:
        return _finite(raw.cast(pl.Float64), raw, ())
    quick = as_text(raw).cast(pl.Float64, strict=False)
    if decimal != "comma" and quick.null_count() == 0:
        # Plain numbers only, which is the rule: no more than this for tables of many columns.
        data = quick.to_numpy()
        if np.isfinite(data).all():
            return Values(data, np.ones(len(data), dtype=bool))
    cells = clean(raw)
    quick = cells.text.cast(pl.Float64, strict=False)
    slow = (cells.text.is_not_null() & quick.is_null()).to_numpy()
    notation = _notation(cells.text, slow) if decimal == "auto" else decimal
    if notation == "comma":
        slow |= cells.text.str.contains(r"[.,]").fill_null(False).to_numpy()
    numbers, repairs = quick.to_numpy().copy(), ()
    if slow.any():
        rows = np.flatnonzero(slow)
        numbers[rows], repairs = _read_slowly(cells.text[rows], notation)
    return _finite(pl.Series(numbers).fill_nan(None), raw, (*cells.repairs, *repairs))


def _rounded(values: Values, raw: pl.Series) -> tuple[Repair, ...]:
    """Long whole numbers that can no longer be told apart, such as codes of 19 digits."""
    large = values.present & (np.abs(values.data) >= _EXACT)
    if not large.any() or raw.dtype.is_float():
        return ()
    cells = raw.filter(pl.Series(large))
    if cells.n_unique() <= len(np.unique(values.data[large])):
        return ()
    return counted(ROUNDED, large, raw)


def decimal_notation(raw: pl.Series) -> Literal["point", "comma"]:
    """How this column writes its decimals: "comma" only when nothing in it speaks against that.

    Example:
        >>> decimal_notation(pl.Series(["1.234", "2,5"])), decimal_notation(pl.Series(["1,234"]))
        ('comma', 'point')
    """
    if raw.dtype.is_numeric() or raw.dtype in _NUMERIC:
        return "point"
    if as_text(raw).cast(pl.Float64, strict=False).null_count() == 0:
        return "point"
    text = clean(raw).text
    quick = text.cast(pl.Float64, strict=False)
    return _notation(text, (text.is_not_null() & quick.is_null()).to_numpy())


def _notation(text: pl.Series, slow: np.ndarray) -> Literal["point", "comma"]:
    """Votes of the cells that allow one reading only; `slow` = those that may hold a comma."""
    if not slow.any():
        return "point"
    odd = _bare(text.filter(pl.Series(slow)).drop_nulls().unique())
    dots = odd.str.count_matches(r"\.")
    commas = odd.str.count_matches(",")
    either = odd.str.contains(_EITHER)
    for_comma = odd.str.contains(_COMMA_DECIMAL) & ~either
    for_comma |= odd.str.contains(_DOT_GROUPS) & ((dots > 1) | (commas > 0))
    if not for_comma.any():
        return "point"
    against = odd.str.contains(_COMMA_GROUPS) & ((commas > 1) | (dots > 0))
    if against.any():
        return "point"
    points = text.drop_nulls()
    points = points.filter(points.str.contains(_PLAIN) & points.str.contains(r"\."))
    return "comma" if bool(points.str.contains(_EITHER).all()) else "point"


def _read_slowly(
    text: pl.Series, notation: Literal["point", "comma"]
) -> tuple[np.ndarray, tuple[Repair, ...]]:
    """The leftovers: their numbers (NaN where unreadable) and a repair for each writing."""
    bare = _bare(text)
    table = pl.DataFrame({"bare": bare}).select(
        "bare",
        plain=pl.col("bare").str.contains(_PLAIN),
        comma=pl.col("bare").str.contains(_COMMA_DECIMAL),
        commas=pl.col("bare").str.contains(_COMMA_GROUPS),
        dots=pl.col("bare").str.contains(_DOT_GROUPS),
        blanks=pl.col("bare").str.contains(_BLANK_GROUPS),
    )
    pointed = pl.col("bare").str.replace(",", ".", literal=True)
    no_commas = pl.col("bare").str.replace_all(",", "", literal=True)
    no_dots = pl.col("bare").str.replace_all(".", "", literal=True)
    no_dots = no_dots.str.replace(",", ".", literal=True)
    no_blanks = pl.col("bare").str.replace_all(_BLANKS, "").str.replace(",", ".", literal=True)
    readings = {
        "plain": pl.col("bare"),
        "commas": no_commas,
        "dots": no_dots,
        "comma": pointed,
        "blanks": no_blanks,
    }
    order = ("plain", "commas", "dots", "comma", "blanks")
    if notation == "comma":
        order = ("comma", "dots", "plain", "commas", "blanks")
    written = pl.coalesce([pl.when(pl.col(name)).then(readings[name]) for name in order])
    numbers = table.select(written.cast(pl.Float64, strict=False)).to_series()
    how = table.select(
        pl.coalesce([pl.when(pl.col(name)).then(pl.lit(name)) for name in order])
    ).to_series()
    return numbers.to_numpy(), _slow_repairs(text, numbers, how)


def _slow_repairs(text: pl.Series, numbers: pl.Series, how: pl.Series) -> tuple[Repair, ...]:
    """What was mended among the leftovers, counted by what it was."""
    read = numbers.is_not_null()
    groups = (how == "commas") | (how == "dots") | (how == "blanks")
    comma = (how == "comma") | ((how == "dots") | (how == "blanks")) & text.str.contains(",")
    mended = {
        "decimal comma read as a point": comma,
        "signs that group thousands dropped": groups,
        "currency sign dropped": read & text.str.contains(_MONEY),
        "percent sign dropped: 12% read as 12": read & text.str.contains("%"),
        "brackets read as a minus": read & text.str.contains(r"^\(.*\)$"),
        "typographic minus read as a minus": read & text.str.contains("[−–]"),
        "not a number: read as an absent value": text.is_not_null() & ~read,
    }
    repairs: tuple[Repair, ...] = ()
    for what, mask in mended.items():
        repairs += counted(what, mask.fill_null(False).to_numpy(), text)
    return repairs


def _bare(text: pl.Series) -> pl.Series:
    """Without currency, percent and typographic signs; brackets become a minus."""
    text = text.str.replace_all("[−–]", "-").str.replace_all(_MONEY, "")
    text = text.str.replace(r"\s*%(\s*\)?)$", "$1").str.strip_chars()
    text = text.str.replace(r"^\(\s*([^()-]*?)\s*\)$", "-$1")
    return text.str.replace(r"^([+-])\s+", "$1")


def _finite(numbers: pl.Series, raw: pl.Series, repairs: tuple[Repair, ...]) -> Values:
    """Numbers with infinities told and taken out."""
    data = numbers.fill_null(float("nan")).to_numpy()
    infinite = np.isinf(data)
    told = counted(INFINITE, infinite, raw)
    present = np.isfinite(data)
    return Values(np.where(present, data, np.nan), present, (*repairs, *told))
