"""Too little to learn from."""

from fathom.base.records import Finding
from fathom.inspection.sheet import Sheet
from fathom.inspection.wording import number_of, several, short

# With 20 rows a test part has four: every score between 0 and 1 is then compatible with luck.
_HARDLY_ANY, _FEW = 20, 50
_ROWS_PER_COLUMN = 5


def find_size(sheet: Sheet) -> list[Finding]:
    """No inputs at all; too few rows, in themselves or for so many columns."""
    rows, columns = sheet.num_rows, len(sheet.inputs)
    found = _no_inputs(sheet)
    if rows < _FEW:
        found.append(_few_rows(rows))
    if columns > rows:
        found.append(_wide(rows, columns, "medium", "There are more columns than rows."))
    elif columns * _ROWS_PER_COLUMN > rows >= _FEW:
        found.append(_wide(rows, columns, "low", "There are few rows for so many columns."))
    return found


def _no_inputs(sheet: Sheet) -> list[Finding]:
    """Nothing to learn from: a target has no inputs beside it, or there is one column only."""
    if sheet.inputs if sheet.targets else len(sheet.columns) > 1:
        return []
    shown = several(f"{short(name)} ({one.kind})" for name, one in sheet.columns.items())
    return [
        Finding(
            code="no_inputs",
            severity="high",
            title="There is no column to learn from.",
            evidence=f"The table has only {shown}.",
            advice="Bring the columns that a target shall be learned from, or say the kind of one "
            "that is here.",
            columns=tuple(sheet.columns),
            facts={"action": "stop"},
        )
    ]


def _few_rows(rows: int) -> Finding:
    return Finding(
        code="few_rows",
        severity="high" if rows < _HARDLY_ANY else "medium",
        title=f"The table has only {number_of(rows, 'row')}.",
        evidence=f"A test part of a fifth has {number_of(max(rows // 5, 1), 'row')}: its score is "
        "mostly luck.",
        advice="Collect more rows. Until then use cross-validation and read the intervals, not "
        "the scores.",
        facts={"rows": rows, "action": "cross_validate"},
    )


def _wide(rows: int, columns: int, severity: str, title: str) -> Finding:
    return Finding(
        code="more_columns_than_rows" if columns > rows else "few_rows_per_column",
        severity="medium" if severity == "medium" else "low",
        title=title,
        evidence=f"{number_of(columns, 'input')}, {number_of(rows, 'row')}.",
        advice="Some columns will fit the rows by accident: prefer simple, strongly regularised "
        "models, and compare with the baselines.",
        facts={"rows": rows, "columns": columns, "action": "regularise"},
    )
