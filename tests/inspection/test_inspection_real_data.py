"""What must be said about real tables, and what must not."""

from collections.abc import Callable

import pytest

from fathom.base.records import Finding
from fathom.inspection.inspect import inspect
from fathom.inspection.sheet import Sheet

Load = Callable[..., Sheet]


def told(findings: tuple[Finding, ...], code: str) -> list[Finding]:
    return [finding for finding in findings if finding.code == code]


def only(findings: tuple[Finding, ...], code: str) -> Finding:
    (found,) = told(findings, code)
    return found


def test_titanic_alive_gives_survived_away(load_sheet: Load):
    findings = inspect(load_sheet("seaborn/titanic.csv", "survived"))
    assert [finding.code for finding in findings if finding.severity == "high"] == [
        "leakage_suspect"
    ]
    suspect = findings[0]
    assert suspect.columns == ("alive", "survived")
    assert suspect.facts["action"] == "drop"
    assert "'no' = '0', 'yes' = '1'" in suspect.evidence
    recoded = {finding.columns: finding for finding in told(findings, "recoded_columns")}
    assert set(recoded) == {("pclass", "class"), ("embarked", "embark_town")}
    assert recoded["pclass", "class"].title == "'class' repeats 'pclass' in other words."
    assert only(findings, "missing_cells").facts["count"] == 869
    assert only(findings, "mostly_missing").columns == ("deck",)
    assert {*(f.code for f in findings)}.isdisjoint(
        {"identifier", "time_order", "groups", "row_order"}
    )


def test_splice_and_zoo_have_a_column_of_names(load_sheet: Load):
    splice = inspect(load_sheet("uci_classification_arff/splice.arff.gz"))
    assert only(splice, "identifier").columns == ("Instance_name",)
    zoo = inspect(load_sheet("uci_classification_arff/zoo.arff.gz"))
    assert only(zoo, "identifier").columns == ("animal",)
    assert "100 distinct values in 101 rows" in only(zoo, "identifier").evidence


def test_adult_and_its_test_file(load_sheet: Load):
    train = load_sheet("adult/adult-train.csv.gz")
    test = load_sheet("adult/adult-test.csv.gz", train=train)
    findings = inspect(train, {"test": test})
    dots = only(findings, "words_matched")
    assert dots.columns == ("column_15",)
    assert dots.facts["count"] == 16_281
    assert "'<=50K.', '>50K.': a full stop at the end dropped" in dots.evidence
    missing = only(findings, "missing_cells")
    assert missing.facts["count"] == missing.facts["markers"] == 4_262
    assert "written as '?'" in missing.evidence
    assert only(findings, "recoded_columns").columns == ("column_4", "column_5")
    copies = only(findings, "copies_across_files")
    assert copies.severity == "low"
    assert copies.facts["same_target"] == 23
    assert only(findings, "placeholder").facts["value"] == 99_999
    quiet = {"drift", "target_drift", "unseen_classes", "unseen_words", "outside_range"}
    assert quiet.isdisjoint(finding.code for finding in findings)
    assert all(finding.severity == "low" for finding in findings)


def test_california_housing(load_sheet: Load):
    findings = inspect(load_sheet("california_housing/housing.csv", "median_house_value"))
    missing = only(findings, "missing_values")
    assert (missing.columns, missing.facts["count"]) == (("total_bedrooms",), 207)
    assert only(findings, "rare_words").facts["counts"] == {"ISLAND": 5}
    capped = only(findings, "capped_target")
    assert (capped.facts["value"], capped.facts["count"]) == (500_001, 965)
    assert capped.severity == "medium"
    assert not [finding for finding in findings if finding.severity == "high"]


def test_mammography(load_sheet: Load):
    findings = inspect(load_sheet("mammography/mammography.csv.gz"))
    imbalance = only(findings, "imbalance")
    assert imbalance.severity == "medium"
    assert "2.3 %" in imbalance.title
    assert imbalance.facts["count"] == 260
    duplicates = only(findings, "duplicate_rows")
    assert duplicates.severity == "medium"
    assert duplicates.title == "3,334 rows repeat an earlier row."


def test_horse_colic(load_sheet: Load):
    findings = inspect(load_sheet("uci_small/horse-colic.csv"))
    missing = only(findings, "missing_cells")
    assert missing.title == "19 % of all cells hold no value."
    assert missing.severity == "medium"
    assert missing.evidence.startswith("1,605 of 8,400 cells (19 %), in 21 of 28 columns; all ")
    assert "written as '?'" in missing.evidence
    assert [finding.columns for finding in told(findings, "mostly_missing")] == [
        ("column_16",),
        ("column_21",),
        ("column_22",),
    ]


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("uci_small/winequality-red.csv", 240),
        ("uci_small/winequality-white.csv", 937),
        ("uci_regression/concrete/data.csv.gz", 25),
    ],
)
def test_duplicate_rows(load_sheet: Load, path: str, count: int):
    found = only(inspect(load_sheet(path)), "duplicate_rows")
    assert found.facts["count"] == count
    assert found.severity == "medium"


@pytest.mark.parametrize(
    "path",
    [
        "uci_small/abalone.csv",
        "uci_classification_arff/vehicle.arff.gz",
        "uci_regression/airfoil/data.csv.gz",
        "uci_regression/concrete/data.csv.gz",
        "uci_regression/yacht/data.csv.gz",
        "uci_regression/energy/data.csv.gz",
        "uci_regression/bike/data.csv.gz",
        "uci_small/banknote_authentication.csv",
        "uci_classification_arff/mushroom.arff.gz",
        "uci_classification_arff/segment.arff.gz",
        "ett/ETTh1.csv.gz",
    ],
)
def test_honest_columns_are_left_alone(load_sheet: Load, path: str):
    findings = inspect(load_sheet(path))
    assert not [finding for finding in findings if finding.severity == "high"]
    dropped = [finding for finding in findings if finding.facts.get("action") == "drop"]
    allowed = {"constant", "duplicate_columns", "recoded_columns"}
    assert {finding.code for finding in dropped} <= allowed


def test_designed_experiments_are_families(load_sheet: Load):
    concrete = only(inspect(load_sheet("uci_regression/concrete/data.csv.gz")), "row_families")
    assert concrete.facts["varies"] == "column_8"
    airfoil = only(inspect(load_sheet("uci_regression/airfoil/data.csv.gz")), "row_families")
    assert airfoil.facts["rows"] == 1_503


def test_speakers_and_patients_are_groups(load_sheet: Load):
    vowel = inspect(load_sheet("uci_classification_arff/vowel.arff.gz"))
    assert only(vowel, "groups").columns == ("Speaker Number", "Train or Test", "Sex")
    assert only(vowel, "groups").severity == "medium"
    assert only(vowel, "given_split").columns == ("Train or Test",)
    assert not told(vowel, "spelling_variants"), "hAd and had are two vowels"
    parkinsons = inspect(load_sheet("uci_regression/parkinsons/data.csv.gz"))
    assert only(parkinsons, "groups").facts["column"] == "column_1"
    assert only(parkinsons, "groups").facts["levels"] == 42


def test_time_is_seen(load_sheet: Load):
    temperatures = inspect(load_sheet("uci_small/daily-min-temperatures.csv"))
    found = only(temperatures, "time_order")
    assert (found.facts["action"], found.facts["column"]) == ("time_column", "Date")
    taxis = inspect(load_sheet("seaborn/taxis.csv", "total"))
    assert only(taxis, "dates").severity == "low"


def test_zeros_of_pima(load_sheet: Load):
    found = inspect(load_sheet("uci_small/pima-indians-diabetes.csv"))
    zeros = only(found, "zeros_for_missing")
    assert set(zeros.columns) == {f"column_{place}" for place in (2, 3, 4, 5, 6)}
    assert zeros.severity == "low"
    assert zeros.facts["each"]["column_2"]["count"] == 5


def test_declared_question_marks_of_anneal(load_sheet: Load):
    found = only(inspect(load_sheet("uci_classification_arff/anneal.arff.gz")), "declared_markers")
    assert found.facts["words"] == ["?"]
    assert "family" in found.columns
