"""Missing cells, constants, names of rows, repairs, words, targets, extremes, zeros, size."""

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fathom.base.records import Finding
from fathom.columns.kind import Evidence, KindName
from fathom.columns.recognise import recognise
from fathom.inspection.classes import find_class_balance, find_rare_words
from fathom.inspection.column import median_of
from fathom.inspection.constants import find_constants
from fathom.inspection.extremes import find_extremes
from fathom.inspection.identifiers import find_identifiers
from fathom.inspection.kinds import find_kinds
from fathom.inspection.marks import find_marks
from fathom.inspection.missing import find_missing
from fathom.inspection.repairs import find_repairs
from fathom.inspection.sheet import Sheet
from fathom.inspection.size import find_size
from fathom.inspection.targets import find_capped_inputs, find_target_faults
from fathom.inspection.zeros import find_zeros
from fathom.tables.read import read

Make = Callable[..., Sheet]


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


def test_missing_cells_in_all_and_by_column(make_sheet: Make):
    sheet = make_sheet(
        {
            "a": ["1", "?", "3", "4", "?"],
            "b": ("number", ["?", "", "?", "?", "5"]),
            "c": ("number", ["NA"] * 5),
            "d": [1, 2, 3, 4, 5],
        }
    )
    found = by_code(find_missing(sheet))
    total = found["missing_cells"]
    assert total.facts["count"] == 2 + 4 + 5
    assert total.evidence.startswith("11 of 20 cells (55 %), in 3 of 4 columns; 10 of them written")
    assert found["empty_column"].columns == ("c",)
    assert found["empty_column"].facts["action"] == "drop"
    assert found["mostly_missing"].columns == ("b",)
    assert found["mostly_missing"].rows == (5,)
    assert found["missing_values"].rows == (2, 5)
    assert found["missing_values"].evidence == (
        "2 of 5 rows (40 %) have no value; all written as '?'."
    )


def test_only_words_for_no_value_count_as_such(make_sheet: Make):
    sheet = make_sheet({"a": ("number", ["1,5", "?", "about 3", "2,5"]), "b": [1, 2, 3, 4]})
    (found,) = find_missing(sheet)
    assert found.evidence == "2 of 4 rows (50 %) have no value; 1 of them written as '?'."


def test_rows_without_anything(make_sheet: Make):
    sheet = make_sheet({"a": [1, None, 3], "b": ["u", "", "w"], "y": [1, 2, 3]}, "y")
    found = by_code(find_missing(sheet))["empty_rows"]
    assert (found.rows, found.facts["action"]) == ((2,), "drop_rows")


def test_a_full_table_has_nothing_missing(make_sheet: Make):
    assert find_missing(make_sheet({"a": [1, 2], "b": ["x", "y"]})) == []


def test_constants(make_sheet: Make):
    nearly = np.zeros(401)
    nearly[7] = 1
    mostly = np.arange(401) % 20 == 0
    sheet = make_sheet({"a": [7] * 401, "b": nearly, "c": np.arange(401) % 3, "d": mostly * 1.0})
    found = find_constants(sheet)
    assert codes(found) == ["constant", "nearly_constant"]
    assert found[0].evidence == "All 401 rows say '7'."
    assert found[1].facts["count"] == 400


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("number", np.arange(100, 137)),
        ("customer_id", np.arange(37) * 7.0),
        ("userId", np.random.default_rng(0).permutation(37) * 5.0),
        ("Unnamed: 0", np.arange(37)),
        ("who", [f"person {place}" for place in range(37)]),
    ],
)
def test_names_of_rows(make_sheet: Make, name: str, data: object):
    (found,) = find_identifiers(make_sheet({name: data, "x": np.arange(37) % 5}))
    assert (found.code, found.columns, found.facts["action"]) == ("identifier", (name,), "drop")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("weight", np.random.default_rng(1).normal(size=37)),
        ("id_like", np.random.default_rng(2).normal(size=37)),
        ("id", np.random.default_rng(3).normal(size=37)),
        ("population", np.random.default_rng(4).permutation(37) * 1_009.0),
        ("width", np.arange(37) * 0.5),
        ("idle", np.arange(37) * 3),
        ("paid", np.arange(37) * 3),
        ("year", np.arange(37) % 12),
        ("town", [f"town {place % 9}" for place in range(37)]),
    ],
)
def test_honest_columns_are_no_names(make_sheet: Make, name: str, data: object):
    assert find_identifiers(make_sheet({name: data})) == []


def test_mended_and_unreadable_cells(make_sheet: Make):
    cells = ["1,5"] * 30 + ["2.5"] * 30 + ["about 3"]
    found = by_code(find_repairs(make_sheet({"a": ("number", cells)})))
    assert found["cells_mended"].facts["count"] == 30
    assert found["cells_mended"].severity == "low"
    unreadable = found["unreadable_cells"]
    assert unreadable.severity == "medium"
    assert "1 of 61 cells (1.6 %), such as 'about 3'" in unreadable.evidence
    assert "?" not in str(find_repairs(make_sheet({"a": ("number", ["1", "?"])})))


def test_long_numbers_that_become_equal_are_told(make_sheet: Make):
    codes = [str(9_223_372_036_854_775_000 + row) for row in range(60)]
    (found,) = find_repairs(make_sheet({"a": ("number", codes)}))
    assert (found.code, found.severity, found.facts["count"]) == ("digits_lost", "medium", 60)
    assert "different numbers became equal" in found.evidence
    far = [f"{row}e30" for row in range(60)]
    assert find_repairs(make_sheet({"a": ("number", far)})) == []


def test_numbers_with_words_between(make_sheet: Make):
    cells = [f"{place}.5" for place in range(41)] + ["unknown", "too small", "unknown"]
    (found,) = find_repairs(make_sheet({"a": ("category", cells)}))
    assert (found.code, found.facts["numbers"], found.facts["words"]) == ("mixed_values", 41, 3)
    assert found.rows == (42, 43)
    grades = ["1", "2", "3", "A"] * 20
    assert find_repairs(make_sheet({"a": ("category", grades)})) == []


def test_spelling_variants(make_sheet: Make):
    cells = ["Male"] * 30 + ["male"] * 4 + ["MALE "] * 3 + ["female"] * 40
    (found,) = find_repairs(make_sheet({"sex": cells}))
    assert found.code == "spelling_variants"
    assert sorted(found.facts["variants"][0]) == ["MALE", "Male", "male"]
    assert found.facts["count"] == 7
    assert found.severity == "medium"
    both = ["hAd"] * 30 + ["had"] * 30
    assert find_repairs(make_sheet({"vowel": both})) == []
    signs = ["-1"] * 30 + ["1"] * 4 + ["."] * 2
    assert find_repairs(make_sheet({"sign": ("category", signs)})) == []


def test_imbalance_and_rare_classes(make_sheet: Make):
    cells = ["ill"] * 9 + ["well"] * 291
    found = by_code(find_class_balance(make_sheet({"y": cells}, "y")))
    assert found["imbalance"].severity == "medium"
    assert found["imbalance"].title == "Only 3 % of the rows are 'ill' in 'y'."
    assert "Always answering 'well' is right in 97 % of the rows." in found["imbalance"].evidence
    assert found["rare_classes"].facts["counts"] == {"ill": 9}
    even = ["ill"] * 100 + ["well"] * 200
    assert find_class_balance(make_sheet({"y": even}, "y")) == []
    many = ["a"] * 500 + ["b"] * 480 + ["c"] * 20
    assert codes(find_class_balance(make_sheet({"y": many}, "y"))) == ["imbalance"]


def test_rare_words_and_very_many_words(make_sheet: Make):
    few = ["a"] * 150 + ["b"] * 145 + ["c"] * 5
    many = [f"w{place % 150}" for place in range(300)]
    found = find_rare_words(make_sheet({"few": few, "many": many}))
    assert codes(found) == ["rare_words", "many_words"]
    assert found[0].facts["counts"] == {"c": 5}
    assert found[1].facts["distinct"] == 150


def test_targets_with_gaps_and_of_one_value(make_sheet: Make):
    found = find_target_faults(make_sheet({"y": [1, None, None, 3]}, "y"))
    assert (codes(found), found[0].rows) == (["target_missing"], (2, 3))
    found = find_target_faults(make_sheet({"y": ["no"] * 5}, "y"))
    assert (codes(found), found[0].severity) == (["one_value_target"], "high")
    assert "All 5 rows with a target say 'no'." in found[0].evidence
    found = find_target_faults(make_sheet({"y": ("number", ["?"] * 5)}, "y"))
    assert found[0].evidence == "None of 5 rows has a target."


def test_a_cut_off_target(make_sheet: Make):
    income = np.round(np.random.default_rng(5).normal(50, 10, 1_009), 1)
    (found,) = find_target_faults(make_sheet({"y": np.minimum(income, 60.05)}, "y"))
    assert found.code == "capped_target"
    assert found.facts["value"] == 60.05
    assert found.facts["count"] == (income > 60.05).sum()
    assert found.facts["end"] == "largest"
    (below,) = find_capped_inputs(make_sheet({"x": np.maximum(income, 40.05)}))
    assert (below.code, below.severity, below.facts["end"]) == ("capped_input", "low", "smallest")
    assert find_target_faults(make_sheet({"y": income}, "y")) == []
    waiting = np.repeat(np.arange(1, 62), np.arange(130, 8, -2))
    assert find_capped_inputs(make_sheet({"y": waiting})) == [], "most wait a day, many two"
    stars = np.random.default_rng(6).integers(1, 6, 1_009)
    assert find_target_faults(make_sheet({"y": stars}, "y")) == []


def test_long_tails_and_many_zeros(make_sheet: Make):
    from scipy.stats import skew

    amounts = np.random.default_rng(7).lognormal(3, 1.2, 503)
    (found,) = find_target_faults(make_sheet({"y": amounts}, "y"))
    assert (found.code, found.facts["action"]) == ("skewed_target", "log_target")
    assert found.facts["skewness"] == pytest.approx(skew(amounts))
    assert found.facts["top_share"] == pytest.approx(np.sort(amounts)[-5:].sum() / amounts.sum())
    rain = np.where(np.arange(503) % 2, 0.0, np.random.default_rng(8).uniform(1, 9, 503))
    assert codes(find_target_faults(make_sheet({"y": rain}, "y"))) == ["zero_inflated_target"]


def test_placeholders(make_sheet: Make):
    x = np.random.default_rng(9).uniform(0, 50, 101)
    x[[3, 5, 8, 9]] = 999
    (found,) = find_extremes(make_sheet({"x": x}))
    assert (found.code, found.facts["value"], found.rows) == ("placeholder", 999, (4, 6, 9, 10))
    days = np.arange(101) % 17
    days[::10] = -1
    (found,) = find_extremes(make_sheet({"days": days}))
    assert found.evidence.endswith("no other value is negative.")
    like = np.repeat(np.arange(101) + 899, 3)
    assert find_extremes(make_sheet({"x": like})) == [], "999 among its like"


def test_impossible_ages(make_sheet: Make):
    ages = 20 + np.arange(101) % 60
    ages[4] = 420
    (found,) = find_extremes(make_sheet({"patient_age": ages}))
    assert (found.code, found.severity, found.rows) == ("impossible_values", "medium", (5,))
    assert codes(find_extremes(make_sheet({"mileage": ages}))) == ["outliers"]


def test_a_few_negative_numbers(make_sheet: Make):
    price = np.random.default_rng(10).uniform(50, 90, 601)
    price[11] = -70
    (found,) = find_extremes(make_sheet({"price": price}))
    assert (found.code, found.rows) == ("impossible_values", (12,))
    bell = np.random.default_rng(11).normal(2.6, 1, 601)
    assert find_extremes(make_sheet({"x": bell})) == []


def test_outliers_leap_and_long_tails_do_not(make_sheet: Make):
    generator = np.random.default_rng(12)
    height = generator.normal(1.7, 0.1, 301)
    height[[5, 9]] *= 100
    (found,) = find_extremes(make_sheet({"height": height}))
    assert (found.code, found.rows, found.facts["count"]) == ("outliers", (6, 10), 2)
    for tail in (generator.lognormal(0, 1, 2_003), generator.exponential(1, 2_003)):
        assert find_extremes(make_sheet({"x": tail})) == []
    assert find_extremes(make_sheet({"x": generator.normal(size=2_003)})) == []


def test_zeros_for_missing(make_sheet: Make):
    pressure = np.random.default_rng(13).integers(60, 110, 307).astype(float)
    pressure[::20] = 0
    (found,) = find_zeros(make_sheet({"pressure": pressure}))
    assert (found.severity, found.facts["action"]) == ("low", "mark_missing")
    assert found.facts["count"] == 16
    counts = np.random.default_rng(14).poisson(9, 307)
    counts[::20] = 0
    honest = {
        "counts": counts,
        "share": np.round(np.random.default_rng(15).uniform(0, 1, 307), 2),
        "signed": np.random.default_rng(16).integers(-20, 20, 307),
    }
    assert find_zeros(make_sheet(honest)) == []


@pytest.mark.parametrize("targets", [(), ("y",)])
def test_a_target_alone_has_nothing_to_be_learned_from(make_sheet: Make, targets: tuple[str, ...]):
    (found,) = find_size(make_sheet({"y": ["no", "yes"] * 40}, *targets))
    assert (found.code, found.severity) == ("no_inputs", "high")
    assert found.title == "There is no column to learn from."
    assert found.evidence == "The table has only 'y' (category)."
    assert found.facts["action"] == "stop"


def test_examples_that_look_alike_once_cut_are_shown_once(make_sheet: Make):
    start = "the same long beginning of each of these sentences, and then "
    cells = [f"{start}{k}" if k % 50 == 0 else str(k * 1.5) for k in range(300)]
    (found,) = find_repairs(make_sheet({"n": ("number", cells)}))
    assert found.evidence == (
        "6 of 300 cells (2 %), such as 'the same long beginning of each of thes…'."
    )


def test_inputs_that_say_nothing_are_no_inputs(make_sheet: Make):
    rows = {"id": ("identifier", [f"n{k}" for k in range(80)]), "y": ["no", "yes"] * 40}
    (found,) = find_size(make_sheet(rows, "y"))
    assert found.evidence == "The table has only 'id' (identifier), 'y' (category)."
    assert find_size(make_sheet(rows)) == []


def test_few_rows_and_many_columns(make_sheet: Make):
    def told(rows: int, columns: int) -> list[tuple[str, str]]:
        data = {f"x{place}": np.arange(rows) % 3 for place in range(columns)}
        return [(finding.code, finding.severity) for finding in find_size(make_sheet(data))]

    assert told(19, 2) == [("few_rows", "high")]
    assert told(49, 2) == [("few_rows", "medium")]
    assert told(50, 2) == []
    assert told(61, 67) == [("more_columns_than_rows", "medium")]
    assert told(61, 23) == [("few_rows_per_column", "low")]


def test_a_column_with_the_split(make_sheet: Make):
    (found,) = find_marks(make_sheet({"part": ["train", "test", "train"], "y": ["a", "b", "a"]}))
    assert (found.code, found.columns) == ("given_split", ("part",))


def test_flag_or_category_makes_no_difference(make_sheet: Make):
    sheet = make_sheet({"a": ["x", "y"] * 9})

    def told(first: KindName, other: KindName) -> list[str]:
        evidence = (Evidence(first, 0.9, "one"), Evidence(other, 0.85, "two"))
        found = replace(sheet.recognised["a"], evidence=evidence)
        return codes(find_kinds(replace(sheet, recognised={"a": found})))

    assert told("category", "flag") == []
    assert told("category", "number") == ["kind_in_doubt"]


def test_doubts_about_kinds(load_sheet: Make):
    wine = find_kinds(load_sheet("uci_small/winequality-red.csv"))
    assert codes(wine) == ["target_kind"]
    assert wine[0].facts["rival"] == "category"
    assert find_kinds(load_sheet("uci_small/abalone.csv")) == []
    texts = find_kinds(load_sheet("banking77/test.csv"))
    assert codes(texts) == ["ignored_column"]


def test_infinite_cells_are_told(make_sheet: Make):
    sheet = make_sheet({"x": ("number", ["1.5", "inf", "-Infinity", "2"] * 5)})
    (found,) = find_repairs(sheet)
    assert (found.code, found.severity) == ("infinite_cells", "medium")
    assert found.title == "Some cells of 'x' are infinite and count as missing."
    assert found.evidence == "10 of 20 cells (50 %), such as 'inf', '-Infinity'."


def dated(cells: list[str], said: str | None = None) -> Sheet:
    """A sheet of one column of dates, recognised from its cells."""
    table = read({"when": cells})
    kind = recognise(table.column("when"), name="when", declared=said)
    return Sheet.of(table, {"when": kind})


def test_day_or_month_that_nobody_can_tell_is_told():
    cells = ["03/04/2021", "05/02/2021", "07/11/2020", "01/12/2020"] * 6
    (found,) = find_kinds(dated(cells))
    assert (found.code, found.severity) == ("day_or_month", "medium")
    assert found.title == "In 'when', day and month may be exchanged."
    assert found.evidence == (
        "No cell decides; month first is the habit with this separator. Read month first: "
        "'03/04/2021' is 2021-03-04."
    )
    assert found.advice == (
        "If the day stands first, say --kind when=date:day_first; if not, confirm it with "
        "--kind when=date:month_first."
    )
    assert codes(find_kinds(dated(cells, "date"))) == ["day_or_month"]


@pytest.mark.parametrize("order", ["day_first", "month_first"])
def test_day_or_month_can_be_said(order: str):
    sheet = dated(["03/04/2021", "05/02/2021", "07/11/2020"] * 6, f"date:{order}")
    assert find_kinds(sheet) == []
    first = sheet.values["when"].data[0]
    expected = "2021-04-03" if order == "day_first" else "2021-03-04"
    assert first == np.datetime64(expected, "s").astype(np.int64)


def test_day_and_month_that_the_cells_tell_need_no_word():
    assert find_kinds(dated(["03/04/2021", "13/02/2021", "07/11/2020"] * 6)) == []
    assert find_kinds(dated(["2021-04-03", "2021-02-05"] * 9)) == []


def test_day_and_month_that_contradict_each_other_are_told():
    (found,) = find_kinds(dated(["13/04/2021", "02/13/2021", "14/11/2020"] * 6))
    assert found.code == "day_or_month"
    assert "12 of 18 cells can only be day first" in found.evidence


def test_numbers_near_the_largest_have_a_median(make_sheet: Make):
    far = np.linspace(1.5e308, 1.7e308, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert codes(find_extremes(make_sheet({"x": far}))) == []
        assert median_of(far) == pytest.approx(1.6e308)
