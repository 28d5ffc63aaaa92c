"""What reading a text has to tell: each guess and each repair as a finding."""

from collections.abc import Sequence

from fathom.base.errors import listed
from fathom.base.records import Finding
from fathom.tables.header import HeaderGuess
from fathom.tables.irregular import Mended
from fathom.tables.records import Dialect

_MOST_ROWS = 20


def _lines(count: int) -> str:
    return f"{count:,} line" + "s" * (count != 1)


def header_guessed(guess: HeaderGuess, names: Sequence[str]) -> Finding:
    """Whether the first line was taken for names, and why."""
    if guess.present:
        title, do = "The first line was taken for the columns' names.", "no header: --names a,b,…"
    else:
        title, do = (
            "The text has no header; its columns were numbered.",
            "names of their own: --names a,b,…",
        )
    return Finding(
        code="header_guessed",
        severity="low",
        title=title,
        evidence=f"Reason: {guess.reason}. Columns: {listed(names)}.",
        advice=f"If that is wrong, say so ({do}).",
        facts={"header": guess.present, "sure": guess.sure, "reason": guess.reason},
    )


def header_replaced(first: Sequence[str], guess: HeaderGuess) -> Finding:
    """Names were given though the text has a header."""
    return Finding(
        code="header_replaced",
        severity="low",
        title="The first line was left out, since it names the columns; the given names count.",
        evidence=f"It says {listed(first)} ({guess.reason}).",
        advice="If that line is a row, read it in Python with ReadOptions(header=False).",
        facts={"header": list(first)},
    )


def delimiter_guessed(dialect: Dialect) -> Finding:
    """An unusual way of dividing lines."""
    how = {
        "": "No delimiter divides the lines evenly, so each line was read as one cell.",
        " ": "The cells are divided by blanks.",
        "\t": "The cells are divided by tabs.",
    }.get(dialect.delimiter, f"The cells are divided by '{dialect.delimiter}'.")
    return Finding(
        code="delimiter_guessed",
        severity="low",
        title=how,
        evidence="The first lines agree best on it.",
        advice="If that is wrong, name the delimiter.",
        facts={"delimiter": dialect.delimiter},
    )


def delimiter_absent(dialect: Dialect) -> Finding:
    """The delimiter that the person named does not occur."""
    return Finding(
        code="delimiter_absent",
        severity="medium",
        title=f"The delimiter {dialect.delimiter!r} does not occur, so there is one column.",
        evidence="No line of the text holds it outside quotes.",
        advice="Leave the delimiter out, so that it is found, or name the right one.",
        facts={"delimiter": dialect.delimiter},
    )


def apostrophes_removed() -> Finding:
    """Apostrophes enclosed cells and were taken away."""
    return Finding(
        code="quote_guessed",
        severity="low",
        title="Cells stood within apostrophes, which were taken for quotes and removed.",
        evidence="Nearly every line has such a cell, and none is within double quotes.",
        advice="If the apostrophes belong to the cells, name the quote: '\"'.",
        facts={"quote": "'"},
    )


def mended(repairs: Mended, num_cells: int, lines_before: int) -> tuple[Finding, ...]:
    """What bringing records to one length took."""
    found: list[Finding] = []
    if repairs.padded:
        found.append(_rows_padded(repairs, num_cells))
    if repairs.trimmed:
        found.append(
            Finding(
                code="empty_cells_dropped",
                severity="low",
                title="Some rows ended in empty cells beyond the last column.",
                evidence=f"{repairs.trimmed:,} of {repairs.num_rows:,} rows; nothing was lost.",
                advice="Probably each line ends in a delimiter; no need to do anything.",
                facts={"count": repairs.trimmed},
            )
        )
    for code, what, lines in (
        ("comments_left_out", "Remarks between the rows", repairs.comments),
        ("empty_lines_left_out", "Empty lines", repairs.empty_lines),
    ):
        if lines:
            found.append(lines_left_out(code, what, [line + lines_before for line in lines]))
    if repairs.loose_quotes:
        found.append(
            Finding(
                code="quotes_kept",
                severity="medium",
                title="Quotes are not in pairs and were taken for ordinary characters.",
                evidence="Read so, every line has the same number of cells; only quotes around a "
                "whole cell were removed.",
                advice="Look at some rows; to settle it, name the quote ('' = none).",
            )
        )
    return tuple(found)


def _rows_padded(repairs: Mended, num_cells: int) -> Finding:
    shown = tuple(repairs.padded[:_MOST_ROWS])
    return Finding(
        code="rows_padded",
        severity="medium",
        title="Some rows are too short; the cells at their end were taken for missing.",
        evidence=f"{len(repairs.padded):,} of {repairs.num_rows:,} rows have fewer than "
        f"{num_cells} cells, the first is row {shown[0]}.",
        advice="Check these rows: if a cell within is lost, its values stand in wrong columns.",
        rows=shown,
        facts={"count": len(repairs.padded), "num_cells": num_cells},
    )


def empty_end(num_lines: int) -> Finding:
    """Empty lines below the last row."""
    return Finding(
        code="empty_lines_left_out",
        severity="low",
        title="Empty lines at the end were left out.",
        evidence=f"{_lines(num_lines)} below the last row.",
        advice="No need to do anything.",
        facts={"count": num_lines},
    )


def remarks_at_top(num_lines: int) -> Finding:
    """Remarks and empty lines above the first record."""
    return Finding(
        code="comments_left_out",
        severity="low",
        title="Remarks above the table were left out.",
        evidence=f"{_lines(num_lines)} at the top, empty or starting like a remark, with fewer "
        "cells than the rows.",
        advice="No need to do anything, unless these lines are rows.",
        facts={"count": num_lines, "lines": list(range(1, num_lines + 1))},
    )


def lines_left_out(code: str, what: str, lines: Sequence[int]) -> Finding:
    """Lines of the file that are no rows."""
    return Finding(
        code=code,
        severity="low",
        title=f"{what} were left out.",
        evidence=f"{_lines(len(lines))}, the first is line {lines[0]} of the file.",
        advice="No need to do anything, unless these lines are rows.",
        facts={"count": len(lines), "lines": list(lines[:_MOST_ROWS])},
    )


def blanks_removed(
    names: Sequence[str], counts: Sequence[int], before_quotes: int = 0
) -> list[Finding]:
    """Blanks at the edges of cells were taken away, or nothing to tell.

    Args:
        names: all columns.
        counts: cells with blanks around them, for each column.
        before_quotes: further such cells, in whatever columns.
    """
    total = sum(counts) + before_quotes
    if not total:
        return []
    columns = [name for name, count in zip(names, counts, strict=True) if count]
    return [
        Finding(
            code="blanks_removed",
            severity="low",
            title=f"Blanks around the cells of {len(columns)} columns were removed."
            if columns
            else "Blanks in front of cells were removed.",
            evidence=f"{total:,} cells" + (f", in {listed(columns)}." if columns else "."),
            advice="No need to do anything.",
            columns=tuple(columns),
            facts={"count": total},
        )
    ]


def column_dropped(name: str) -> Finding:
    """A last column without name and content."""
    return Finding(
        code="trailing_delimiter",
        severity="low",
        title="Each line ends in a delimiter; the empty column behind it was dropped.",
        evidence=f"It would have been '{name}', and all its cells are empty.",
        advice="No need to do anything.",
    )
