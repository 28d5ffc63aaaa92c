"""Columns that repeat columns, groups, and time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fathom.base.records import Finding
from fathom.inspection.groups import agreement, find_groups, traits_of
from fathom.inspection.order import course, find_time
from fathom.inspection.recoded import find_recodings
from fathom.inspection.sheet import Sheet

Make = Callable[..., Sheet]


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_copies_and_recodings(make_sheet: Make):
    x = np.random.default_rng(0).integers(0, 7, 101)
    sheet = make_sheet(
        {
            "a": x,
            "copy": x,
            "words": [f"w{code}" for code in x],
            "shuffled": (x * 3) % 7,
            "joined": x // 2,
            "other": np.random.default_rng(1).integers(0, 7, 101),
        }
    )
    found = find_recodings(sheet)
    assert codes(found) == ["duplicate_columns", "recoded_columns"]
    assert found[0].facts["drop"] == ["copy"]
    assert found[1].columns == ("a", "words", "shuffled")
    assert found[1].title == "'words', 'shuffled' repeat 'a' in other words."
    assert "'0' = 'w0'" in found[1].evidence


def test_gaps_are_part_of_a_recoding(make_sheet: Make):
    town = ["u", "v", "", "v"] * 20
    code = [1, 2, None, 2] * 20
    assert codes(find_recodings(make_sheet({"a": town, "b": code}))) == ["recoded_columns"]
    code[2] = 2
    assert find_recodings(make_sheet({"a": town, "b": code})) == []


def test_measurements_in_other_units_are_recodings(make_sheet: Make):
    celsius = np.random.default_rng(2).normal(20, 5, 211)
    sheet = make_sheet(
        {"c": celsius, "f": celsius * 1.8 + 32, "down": np.exp(-celsius), "x": celsius**2}
    )
    (found,) = find_recodings(sheet)
    assert found.columns[:3] == ("c", "f", "down")


def test_all_different_columns_are_not_alike_for_that(make_sheet: Make):
    generator = np.random.default_rng(3)
    columns = {f"x{place}": generator.normal(size=211) for place in range(7)}
    who = [f"person {place}" for place in range(211)]
    assert find_recodings(make_sheet({**columns, "who": who})) == []


def test_nearly_proportional_columns(make_sheet: Make):
    x = np.random.default_rng(4).normal(size=503)
    noisy = x + 0.001 * np.random.default_rng(5).normal(size=503)
    (found,) = find_recodings(make_sheet({"x": x, "noisy": noisy, "minus": -(x**3)}))[1:]
    assert (found.code, found.columns) == ("nearly_equal_columns", ("x", "noisy"))


def test_one_outlier_makes_no_likeness(make_sheet: Make):
    generator = np.random.default_rng(6)
    x, y = generator.normal(size=(2, 503))
    x[3], y[3] = 1e6, 1e6
    assert np.corrcoef(x, y)[0, 1] > 0.999
    assert find_recodings(make_sheet({"x": x, "y": y})) == []


def traits_by_hand(sheet: Sheet, entity: str) -> set[str]:
    found: set[str] = set()
    who = sheet.columns[entity].values.data
    for name, column in sheet.columns.items():
        if name != entity:
            within = {person: set(column.values.data[who == person]) for person in set(who)}
            if all(len(values) == 1 for values in within.values()):
                found.add(name)
    return found


def people(generator: np.random.Generator, rows: int = 311) -> dict[str, object]:
    who = generator.integers(0, 13, rows)
    sex = generator.integers(0, 2, 13)
    born = generator.integers(1950, 1960, 13)
    return {
        "w": [f"p{code}" for code in who],
        "sex": sex[who],
        "born": born[who],
        "visit": generator.integers(0, 9, rows),
        "x": generator.normal(size=rows),
        "y": generator.normal(size=13)[who] + 0.5 * generator.normal(size=rows),
    }


def test_traits_against_a_loop(make_sheet: Make):
    sheet = make_sheet(people(np.random.default_rng(7)), "y")
    found = traits_of(sheet.columns["w"], sheet.inputs)
    assert set(found) == traits_by_hand(sheet, "w") == {"sex", "born"}


def test_people_are_groups(make_sheet: Make):
    sheet = make_sheet(people(np.random.default_rng(8)), "y")
    (found,) = find_groups(sheet)
    assert (found.severity, found.facts["action"], found.facts["column"]) == (
        "medium",
        "group",
        "w",
    )
    assert found.facts["levels"] == 13
    assert "13 values" in found.evidence
    assert find_groups(replace(sheet, group="w")) == []


def test_categories_are_no_groups(make_sheet: Make):
    generator = np.random.default_rng(9)
    sheet = make_sheet(
        {
            "work": [f"w{code}" for code in generator.integers(0, 9, 503)],
            "sex": generator.integers(0, 2, 503),
            "age": generator.integers(20, 60, 503),
            "y": generator.normal(size=503),
        },
        "y",
    )
    assert find_groups(sheet) == []


def test_agreement_is_epsilon_squared(make_sheet: Make):
    from scipy.stats import f_oneway, rankdata

    sheet = make_sheet(people(np.random.default_rng(10)), "y")
    who, ranks = sheet.columns["w"], rankdata(sheet.values["y"].data)
    groups = [ranks[who.levels.codes == code] for code in range(13)]
    ratio = f_oneway(*groups).statistic
    n, k = 311, 13
    expected = (ratio - 1) * (k - 1) / (ratio * (k - 1) + (n - k))
    assert agreement(who, sheet.columns["y"]) == pytest.approx(expected)
    noise = make_sheet({"y": np.random.default_rng(11).normal(size=311)}).columns["y"]
    assert abs(agreement(who, noise)) < 0.05


def test_agreement_of_classes(make_sheet: Make):
    who = np.repeat(np.arange(20), 10)
    sheet = make_sheet({"w": who, "y": [("no", "yes")[code % 2] for code in who]})
    assert agreement(sheet.columns["w"], sheet.columns["y"]) == pytest.approx(1.0)


def test_a_target_that_moves_in_time(make_sheet: Make):
    generator = np.random.default_rng(12)
    days = np.sort(generator.uniform(0, 1e9, 401))
    order = generator.permutation(401)
    y = np.cumsum(generator.normal(size=401))
    dates = np.datetime_as_string(days.astype("datetime64[s]")).astype(object)
    sheet = make_sheet({"when": ("date", dates[order]), "y": y[order]}, "y")
    (found,) = find_time(sheet)
    assert (found.code, found.facts["column"], found.severity) == ("time_order", "when", "medium")
    likeness = np.corrcoef(np.argsort(np.argsort(y))[:-1], np.argsort(np.argsort(y))[1:])[0, 1]
    assert found.facts["likeness"] == pytest.approx(likeness, abs=0.02)
    assert find_time(replace(sheet, time_column="when")) == []
    noise = make_sheet({"when": ("date", dates), "y": generator.normal(size=401)}, "y")
    assert codes(find_time(noise)) == ["dates"]


def test_rising_numbers_are_time_when_the_target_follows(make_sheet: Make):
    y = np.cumsum(np.random.default_rng(13).normal(size=211))
    assert codes(find_time(make_sheet({"step": np.arange(211) * 2, "y": y}, "y"))) == ["time_order"]
    rows = [str(place) for place in range(211)]
    numbered = make_sheet({"row": ("identifier", rows), "y": y}, "y")
    assert codes(find_time(numbered)) == ["time_order"]
    noise = np.random.default_rng(14).normal(size=211)
    assert find_time(make_sheet({"step": np.arange(211), "y": noise}, "y")) == []


def test_neighbours_alike_and_sorted_rows(make_sheet: Make):
    y = np.cumsum(np.random.default_rng(15).normal(size=211))
    assert codes(find_time(make_sheet({"x": np.arange(211) % 7, "y": y}, "y"))) == ["row_order"]
    words = ["a"] * 70 + ["b"] * 70 + ["c"] * 70
    assert codes(find_time(make_sheet({"x": np.arange(210) % 7, "y": words}, "y"))) == [
        "sorted_rows"
    ]
    mixed = np.random.default_rng(16).permutation(words)
    assert find_time(make_sheet({"x": np.arange(210) % 7, "y": mixed}, "y")) == []


def test_drift_is_what_blocks_explain_beyond_chance(make_sheet: Make):
    noise = [
        course(
            make_sheet({"y": np.random.default_rng(seed).normal(size=503)}).columns["y"],
            np.arange(503),
        ).drift
        for seed in range(40)
    ]
    assert abs(np.mean(noise)) < 0.01
    assert max(noise) < 0.05
    step = make_sheet({"y": np.repeat([0.0, 1.0], 250)}).columns["y"]
    assert course(step, np.arange(500)).drift == pytest.approx(1.0)


def test_a_gap_may_stand_for_a_word(make_sheet: Make):
    code = [1, None, 2, 2] * 20
    word = ["u", "none of these", "v", "v"] * 20
    (found,) = find_recodings(make_sheet({"a": code, "b": word}))
    assert found.columns == ("a", "b")
