"""Recognition on real tables: what a careful person would say of each column."""

import gzip
import io
import re
from pathlib import Path

import polars as pl
import pytest

from fathom.columns.recognise import recognise, recognise_target

# Columns in order; n number, c category, f flag, d date, s set, i identifier, - ignored.
_LETTERS = {
    "n": "number",
    "c": "category",
    "f": "flag",
    "d": "date",
    "s": "set",
    "i": "identifier",
    "-": "ignored",
}
WITH_HEADER = {
    "california_housing/housing.csv": "nnnnnnnnnc",
    "seaborn/titanic.csv": "fncnnnnccc fcc ff".replace(" ", ""),
    "seaborn/penguins.csv": "ccnnnnc",
    "seaborn/mpg.csv": "nnnnnnnci",
    "seaborn/taxis.csv": "ddnnnnnncccccc",
    "seaborn/flights.csv": "ncn",
    "molecules/tox21.csv.gz": "ffffffffffffii",
    "molecules/delaney-processed.csv": "innnnnnnni",
    "movielens_latest_small/ratings.csv.gz": "ccnd",
    "movielens_latest_small/links.csv": "iii",
    "movielens_latest_small/movies.csv": "i-s",
    "movielens_latest_small/tags.csv": "cccd",
    "airline_passengers/airline-passengers.csv": "dn",
    "uci_small/monthly-sunspots.csv": "dn",
    "uci_small/daily-min-temperatures.csv": "dn",
    "ett/ETTh1.csv.gz": "dnnnnnnn",
    "banking77/test.csv": "-c",
}
WITHOUT_HEADER = {
    "adult/adult-train.csv.gz": "ncncncccccnnncc",
    "german_credit/german.csv": "cnccnccnccncnccncnccn",
    "mammography/mammography.csv.gz": "nnnnnnf",
    # Hospital lesion codes are written with leading zeros; code 28 of them has two values.
    "uci_small/horse-colic.csv": "n" * 24 + "cccn",
    "uci_small/abalone.csv": "cnnnnnnnn",
    "uci_small/breast-cancer.csv": "ccccfnccfc",
    "uci_small/winequality-red.csv": "n" * 12,
    "uci_small/winequality-white.csv": "n" * 12,
    "uci_small/glass.csv": "n" * 10,
    "uci_small/pima-indians-diabetes.csv": "n" * 8 + "f",
}
ARFF = {
    "anneal": "c-cnnccnncccnccccc-",
    "car": "ccccccc",
    "letter": "n" * 16 + "c",
    "segment": "nn-" + "n" * 16 + "c",
    "splice": "i" + "c" * 61,
    "vehicle": "n" * 18 + "c",
    "vowel": "ccc" + "n" * 10 + "c",
    "zoo": "i" + "f" * 12 + "n" + "fff" + "c",
}
REGRESSION = (
    *("airfoil", "bike", "concrete", "energy", "kin40k"),
    *("parkinsons", "pol", "servo", "wine", "yacht"),
)
TARGETS = {
    "california_housing/housing.csv": (8, "number"),
    "seaborn/titanic.csv": (0, "flag"),
    "seaborn/penguins.csv": (0, "category"),
    "seaborn/mpg.csv": (0, "number"),
    "seaborn/taxis.csv": (5, "number"),
    "molecules/tox21.csv.gz": (3, "flag"),
    "molecules/delaney-processed.csv": (8, "number"),
    "movielens_latest_small/ratings.csv.gz": (2, "number"),
    "movielens_latest_small/movies.csv": (2, "set"),
    "banking77/test.csv": (1, "category"),
    "adult/adult-train.csv.gz": (14, "flag"),
    "german_credit/german.csv": (20, "flag"),
    "mammography/mammography.csv.gz": (6, "flag"),
    "uci_small/horse-colic.csv": (23, "flag"),
    "uci_small/abalone.csv": (8, "number"),
    "uci_small/breast-cancer.csv": (9, "flag"),
    "uci_small/winequality-red.csv": (11, "number"),
    "uci_small/winequality-white.csv": (11, "number"),
    "uci_small/glass.csv": (9, "category"),
    "uci_small/pima-indians-diabetes.csv": (8, "flag"),
}


def _read(path: Path, *, header: bool) -> pl.DataFrame:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return pl.read_csv(io.BytesIO(content), infer_schema=False, has_header=header)


def _read_arff(path: Path) -> pl.DataFrame:
    text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
    names = re.findall(r"(?im)^@attribute\s+('[^']*'|\"[^\"]*\"|\S+)", text)
    body = re.split(r"(?im)^@data\s*", text)[1].splitlines()
    lines = "\n".join(line for line in body if line.strip() and not line.startswith("%"))
    return pl.read_csv(
        io.StringIO(lines),
        infer_schema=False,
        has_header=False,
        new_columns=[name.strip("'\"") for name in names],
        quote_char="'",
    )


def _kinds(table: pl.DataFrame) -> dict[str, str]:
    return {name: recognise(table[name], name=name).kind.name for name in table.columns}


def _expected(table: pl.DataFrame, letters: str) -> dict[str, str]:
    return dict(zip(table.columns, [_LETTERS[letter] for letter in letters], strict=True))


@pytest.mark.parametrize("path", [*WITH_HEADER, *WITHOUT_HEADER])
def test_columns_of_real_tables(data_dir: Path, path: str) -> None:
    table = _read(data_dir / path, header=path in WITH_HEADER)
    assert _kinds(table) == _expected(table, (WITH_HEADER | WITHOUT_HEADER)[path])


@pytest.mark.parametrize("name", ARFF)
def test_columns_of_arff_tables(data_dir: Path, name: str) -> None:
    table = _read_arff(data_dir / "uci_classification_arff" / f"{name}.arff.gz")
    letters = ARFF[name]
    found = _kinds(table.select(table.columns[: len(letters)]))
    assert found == _expected(table.select(table.columns[: len(letters)]), letters)
    target = recognise_target(table.to_series(-1), name=table.columns[-1])
    assert target.kind.name == "category"


def test_mushrooms_and_digits(data_dir: Path) -> None:
    folder = data_dir / "uci_classification_arff"
    mushroom = _kinds(_read_arff(folder / "mushroom.arff.gz"))
    assert {name for name, kind in mushroom.items() if kind != "category"} == {
        "bruises?",
        "veil-type",
    }
    digits = _read_arff(folder / "optdigits.arff.gz")
    kinds = _kinds(digits)
    assert {kinds["input1"], kinds["input40"]} == {"ignored"}
    assert set(kinds.values()) == {"number", "ignored", "flag"}
    assert recognise_target(digits["class"], name="class").kind.name == "category"


@pytest.mark.parametrize("name", REGRESSION)
def test_regression_sets_are_numbers_throughout(data_dir: Path, name: str) -> None:
    table = _read(data_dir / "uci_regression" / name / "data.csv.gz", header=False)
    assert set(_kinds(table).values()) == {"number"}
    target = recognise_target(table.to_series(-1), name=table.columns[-1])
    assert target.kind.name == "number"


@pytest.mark.parametrize("path", TARGETS)
def test_targets_of_real_tables(data_dir: Path, path: str) -> None:
    column, kind = TARGETS[path]
    raw = _read(data_dir / path, header=path in WITH_HEADER).to_series(column)
    assert recognise_target(raw, name=raw.name).kind.name == kind


def test_nothing_of_the_horses_is_lost(data_dir: Path) -> None:
    table = _read(data_dir / "uci_small/horse-colic.csv", header=False)
    missing = 0
    for name in table.columns:
        values = recognise(table[name], name=name).kind.parse(table[name])
        missing += int((~values.present).sum())
        assert all(repair.what.startswith("a marker") for repair in values.repairs)
    assert missing == 1_605
