"""Cells of texts made comparable: no blanks around them, nothing where there is nothing."""

import polars as pl


def without_blanks(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[int]]:
    """Strip every cell; a cell that is empty then is missing.

    No honest value depends on the blanks around it, and `"a, b"` is a common way to write cells.

    Args:
        frame: strings only, under names that are no patterns.

    Returns:
        The frame, and for each column how many cells had blanks around them.

    Example:
        >>> frame, counts = without_blanks(pl.DataFrame({"a": [" x", "x", " "]}))
        >>> frame["a"].to_list(), counts
        (['x', 'x', None], [2])
    """
    bare = frame.select(pl.all().str.strip_chars())
    counts = [
        int((before.str.len_bytes() != after.str.len_bytes()).sum())
        for before, after in zip(frame, bare, strict=True)
    ]
    cells = [pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in bare.columns]
    return bare.select(cells), counts
