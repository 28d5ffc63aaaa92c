"""What no table may be: too wide to be meant, or without rows or columns."""

from fathom.base.errors import DataError


def check_width(num_columns: int, limit: int, where: str) -> None:
    """Refuse a table wider than the person allows.

    Raises:
        DataError: there are more columns than the limit.
    """
    if num_columns > limit:
        raise DataError(
            "The table is wider than is likely.",
            where=where,
            expected=f"at most {limit:,} columns",
            got=f"{num_columns:,} columns",
            do="Check that rows and columns are not exchanged and the delimiter is right; if the "
            "table is meant to be so wide, raise columns_limit.",
        )


def check_height(num_rows: int, where: str, got: str = "no rows") -> None:
    """Refuse a table without rows.

    Raises:
        DataError: there is none.
    """
    if num_rows == 0:
        raise DataError(
            "The table has no rows.",
            where=where,
            expected="at least one row of cells",
            got=got,
            do="Check how the table was made; perhaps a filter left nothing, or an export broke "
            "off.",
        )
