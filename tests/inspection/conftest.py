"""Sheets for the tests of the inspection: from columns written down, and from real files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.columns.catalogue import kind_from_name
from fathom.columns.kind import Recognised
from fathom.columns.recognise import recognise, recognise_target
from fathom.inspection.sheet import Sheet
from fathom.tables.read import read
from fathom.tables.table import Source, Table

MakeSheet = Callable[..., Sheet]


@pytest.fixture(scope="session")
def make_sheet() -> MakeSheet:
    """Build a sheet: column -> cells (numbers, or words), or column -> (its kind, cells)."""

    def make(columns: dict[str, Any], *targets: str, part: str = "train") -> Sheet:
        frame: dict[str, pl.Series] = {}
        kinds: dict[str, Recognised] = {}
        for name, content in columns.items():
            said, data = content if isinstance(content, tuple) else ("", content)
            cells = np.asarray(data, dtype=object).tolist()
            words = any(isinstance(cell, str) for cell in cells)
            frame[name] = pl.Series(name, cells, dtype=pl.String if words else pl.Float64)
            kind = kind_from_name(said or ("category" if words else "number"))
            kinds[name] = Recognised(name, kind)
        table = Table(pl.DataFrame(list(frame.values())), Source(name="x", format="memory"))
        return Sheet.of(table, kinds, targets, part)

    return make


@pytest.fixture(scope="session")
def load_sheet(data_dir: Path) -> MakeSheet:
    """Read a real file; "last" names its last column as the target."""

    def load(path: str, target: str = "last", train: Sheet | None = None) -> Sheet:
        table = read(data_dir / path)
        name = table.columns[-1] if target == "last" else target
        if train is not None:
            return Sheet.of(table, train.recognised, train.targets, part="test")
        kinds = {
            column: recognise_target(table.column(column), name=column)
            if column == name
            else recognise(table.column(column), name=column)
            for column in table.columns
        }
        return Sheet.of(table, kinds, (name,))

    return load
