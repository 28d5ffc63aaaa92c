"""Real files with the traps that are known of them."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from fathom.tables.options import ReadOptions
from fathom.tables.read import read

ARFF_SIZES = {
    "anneal": (898, 39),
    "car": (1728, 7),
    "letter": (20000, 17),
    "mushroom": (8124, 23),
    "optdigits": (5620, 65),
    "segment": (2310, 20),
    "splice": (3190, 62),
    "vehicle": (846, 19),
    "vowel": (990, 14),
    "zoo": (101, 18),
}


def test_adult_with_its_names(data_dir: Path) -> None:
    folder = data_dir / "adult"
    options = ReadOptions(names=folder / "adult.names")
    train = read(folder / "adult-train.csv.gz", options)
    test = read(folder / "adult-test.csv.gz", options)
    assert train.frame.shape == (32561, 15)
    assert test.frame.shape == (16281, 15)
    assert train.columns == test.columns
    assert train.columns[-1] == "class"
    assert train.columns[:3] == ("age", "workclass", "fnlwgt")
    assert dict(train.column("class").value_counts().rows()) == {"<=50K": 24720, ">50K": 7841}
    assert dict(test.column("class").value_counts().rows()) == {"<=50K.": 12435, ">50K.": 3846}
    assert train.column("workclass").null_count() == 0
    assert "?" in train.column("workclass").to_list()
    assert train.source.declared["age"] == "numeric"
    assert len(train.source.levels["native-country"]) == 41
    assert "blanks_removed" in {note.code for note in train.notes}
    raw = gzip.decompress((folder / "adult-train.csv.gz").read_bytes()).decode().splitlines()
    rows = [[cell.strip() for cell in line.split(",")] for line in raw if line]
    assert [list(row) for row in train.frame.rows()] == rows


@pytest.mark.parametrize(
    ("path", "shape", "header"),
    [
        ("german_credit/german.csv", (1000, 21), False),
        ("mammography/mammography.csv.gz", (11183, 7), False),
        ("uci_small/horse-colic.csv", (300, 28), False),
        ("uci_small/breast-cancer.csv", (286, 10), False),
        ("uci_small/abalone.csv", (4177, 9), False),
        ("uci_small/daily-min-temperatures.csv", (3650, 2), True),
        ("uci_small/monthly-sunspots.csv", (2820, 2), True),
        ("uci_small/winequality-red.csv", (1599, 12), False),
        ("uci_small/winequality-white.csv", (4898, 12), False),
        ("uci_regression/yacht/data.csv.gz", (308, 7), False),
        ("uci_regression/yacht/test_mask.csv.gz", (308, 10), False),
        ("seaborn/penguins.csv", (344, 7), True),
        ("seaborn/titanic.csv", (891, 15), True),
        ("seaborn/taxis.csv", (6433, 14), True),
        ("california_housing/housing.csv", (20640, 10), True),
        ("ett/ETTh1.csv.gz", (17420, 8), True),
        ("banking77/train.csv.gz", (10003, 2), True),
        ("molecules/tox21.csv.gz", (8014, 14), True),
        ("movielens_latest_small/movies.csv", (9742, 3), True),
    ],
)
def test_sizes_and_headers(data_dir: Path, path: str, shape: tuple[int, int], header: bool) -> None:
    table = read(data_dir / path)
    assert table.frame.shape == shape
    assert table.source.header == header
    assert set(table.frame.dtypes) == {pl.String}
    severities = {note.severity for note in table.notes}
    assert severities <= {"low"}


def test_labels_within_apostrophes(data_dir: Path) -> None:
    table = read(data_dir / "mammography" / "mammography.csv.gz")
    assert dict(table.column("column_7").value_counts().rows()) == {"-1": 10923, "1": 260}
    # The set is known to hold this many rows that repeat an earlier one.
    hashes = table.row_hashes()
    assert len(hashes) - len(set(hashes.tolist())) == 3334


def test_question_marks_stay(data_dir: Path) -> None:
    table = read(data_dir / "uci_small" / "horse-colic.csv")
    assert sum(series.null_count() for series in table.frame) == 0
    assert sum((series == "?").sum() for series in table.frame) == 1605


def test_missing_cells_of_titanic(data_dir: Path) -> None:
    table = read(data_dir / "seaborn" / "titanic.csv")
    assert sum(series.null_count() for series in table.frame) == 869


@pytest.mark.parametrize("name", ARFF_SIZES)
def test_arff_sets(data_dir: Path, name: str) -> None:
    table = read(data_dir / "uci_classification_arff" / f"{name}.arff.gz")
    assert table.frame.shape == ARFF_SIZES[name]
    assert set(table.source.declared) == set(table.columns)
    for column, levels in table.source.levels.items():
        assert set(table.column(column).drop_nulls()) <= set(levels)
    assert not {note.severity for note in table.notes} & {"high", "medium"}


def test_anneal_keeps_the_question_marks_that_it_declares(data_dir: Path) -> None:
    table = read(data_dir / "uci_classification_arff" / "anneal.arff.gz")
    assert table.column("family").null_count() == 0
    assert (table.column("family") == "?").sum() > 700
    mushroom = read(data_dir / "uci_classification_arff" / "mushroom.arff.gz")
    assert mushroom.column("stalk-root").null_count() == 2480


def test_arff_agrees_with_scipy(data_dir: Path, tmp_path: Path) -> None:
    arff = pytest.importorskip("scipy.io.arff")
    for name in ("anneal", "vehicle", "zoo"):
        packed = (data_dir / "uci_classification_arff" / f"{name}.arff.gz").read_bytes()
        path = tmp_path / f"{name}.arff"
        path.write_bytes(gzip.decompress(packed))
        expected, meta = arff.loadarff(path)
        table = read(path)
        # SciPy keeps the quotes around names.
        assert [column.strip("'") for column in meta.names()] == list(table.columns)
        for column, known in zip(meta.names(), table.frame, strict=True):
            if meta[column][0] == "nominal":
                assert [cell.decode() for cell in expected[column]] == known.to_list()
            else:
                assert expected[column].tolist() == known.cast(pl.Float64).to_list()


@pytest.mark.parametrize(("half", "word"), [("neg", "clichés"), ("pos", "ladrón")])
def test_reviews_in_latin_letters(data_dir: Path, half: str, word: str) -> None:
    path = data_dir / "rt_polarity" / f"rt-polarity.{half}.gz"
    table = read(path)
    assert table.frame.shape == (5331, 1)
    assert table.source.encoding == "cp1252"
    assert any(word in cell for cell in table.column("column_1"))
    lines = gzip.decompress(path.read_bytes()).decode("cp1252").split("\n")[:-1]
    assert table.column("column_1").to_list() == [line.strip() for line in lines]


def test_tokens_with_loose_quotes_between_empty_lines(data_dir: Path) -> None:
    table = read(data_dir / "wnut17" / "wnut17train.conll", ReadOptions(header=False))
    # Some sentences are divided by empty lines, others by lines of a lone tab: rows without cells.
    assert table.frame.shape == (65124, 2)
    assert table.column("column_1").count() == 62730
    assert "quotes_kept" in {note.code for note in table.notes}
    empty = [note.facts["count"] for note in table.notes if note.code == "empty_lines_left_out"]
    assert sum(empty) == 1000
