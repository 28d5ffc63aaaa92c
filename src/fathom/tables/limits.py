"""What no table may be: too wide to be meant, or too large, or without rows."""

from fathom.base.errors import DataError
from fathom.base.memory import available_memory

# A text lies in memory as bytes, as a copy without its edges, and as cells. Cells as Python has
# them, one by one, take several times as much.
TIMES_CELLS, TIMES_TEXT, TIMES_OBJECTS = 2, 4, 12


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


def most_bytes(times: int = TIMES_TEXT) -> int:
    """The size from which on a table would not fit into memory.

    Args:
        times: how much memory reading takes for each byte.
    """
    return available_memory() // times


def check_size(num_bytes: float, where: str, what: str, times: int = TIMES_TEXT) -> None:
    """Refuse what would not fit into memory, before the memory is taken.

    Args:
        num_bytes: of the table as it lies in memory, packed no more.
        where: the file.
        what: what has this size, for the message.
        times: how much memory reading takes for each byte.

    Raises:
        DataError: it would not fit.
    """
    if num_bytes > most_bytes(times):
        raise too_large(where, f"{what}: {in_units(num_bytes)}", times)


def too_large(where: str, got: str, times: int = TIMES_TEXT) -> DataError:
    """The four beats for a table that would not fit into memory."""
    return DataError(
        "The table is too large for the memory of this machine.",
        where=where,
        expected=f"at most {in_units(most_bytes(times))}: reading takes about {times} times the "
        f"size, and {in_units(available_memory())} of memory are free",
        got=got,
        do="Split the file and take a part of its rows, save it as Parquet with the columns that "
        "are needed, or read it where there is more memory.",
    )


def in_units(num_bytes: float) -> str:
    """Bytes as people say them.

    Example:
        >>> in_units(5_400_000_000), in_units(2_000_000)
        ('5.4 GB', '2.0 MB')
    """
    if num_bytes < 100_000_000:
        return f"{num_bytes / 1e6:.1f} MB"
    return f"{num_bytes / 1e9:,.1f} GB"
