"""The usual preparation for models that need plain numbers: scale, fill and one-hot encode."""

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.tables.peers.common import Table


def prepare(table: Table, *, sparse: bool) -> ColumnTransformer:
    """Fitted to training rows by the caller.

    Numbers: median for a gap plus a column that marks it, then mean 0 and deviation 1.
    Categories: one column per category; a missing cell is a category of its own if training
    rows have one, and all zeros otherwise.
    """
    return ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="median", add_indicator=True),
                              StandardScaler()),
                table.numbers,
            ),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", sparse_output=sparse),
                table.categories,
            ),
        ]
    )  # fmt: skip
