from typing import Any

import pytest

from fathom.base.errors import RecipeError, RunError
from fathom.columns.catalogue import (
    fitted_from_dict,
    kind_from_dict,
    kind_from_name,
    kind_to_dict,
)
from fathom.columns.date import Date
from fathom.columns.flag import Flag
from fathom.columns.image import Image
from fathom.columns.number import Number
from fathom.columns.set import Set


def test_kinds_are_found_by_name() -> None:
    assert kind_from_name("number") == Number()
    with pytest.raises(RecipeError) as caught:
        kind_from_name("catgory")
    assert str(caught.value) == (
        "There is no kind called 'catgory'.\n"
        "  expected: 'number', 'category', 'flag', 'date', 'set', 'image', 'identifier', "
        "'ignored'\n"
        "  got:      'catgory'\n"
        "  do:       Did you mean 'category'?"
    )


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("date:day_first", Date(order="day_first")),
        ("date:month_first", Date(order="month_first")),
        ("date:milliseconds", Date(unit="milliseconds")),
        ("number:decimal_comma", Number(decimal="comma")),
        ("image:160", Image(side=160)),
        ("image:grey", Image(colour="grey")),
    ],
)
def test_how_cells_are_written_can_be_said(said: str, kind: Any) -> None:
    assert kind_from_name(said) == kind


@pytest.mark.parametrize("side", ["0", "-1", "7", "1025", "100000"])
def test_sides_of_pictures_have_bounds(side: str) -> None:
    with pytest.raises(RecipeError) as caught:
        kind_from_name(f"image:{side}")
    assert caught.value.expected == (
        "'image:grey', 'image:rgb', or a side of 8 to 1024 pixels, as in 'image:160'"
    )
    with pytest.raises(RecipeError, match="expected: 'category' alone"):
        kind_from_name(f"category:{side}")


def test_what_cannot_be_said_of_a_kind_is_refused() -> None:
    with pytest.raises(RecipeError) as caught:
        kind_from_name("date:dayfirst")
    assert caught.value.what == "Nothing called 'dayfirst' can be said of the kind 'date'."
    assert "'date:day_first'" in caught.value.expected
    assert caught.value.do == "Did you mean 'day_first'?"
    for word in (
        "category:red",
        "number:",
        "numbre:decimal_comma",
        "image:7",
        "image:2000",
        "image:x",
    ):
        with pytest.raises(RecipeError):
            kind_from_name(word)


@pytest.mark.parametrize(
    "kind",
    [
        Number(scaling="robust", clip=2.5, log=True),
        Flag(positive="dead", markers=False),
        Set(separator=";", min_count=3),
        Date(order="day_first", unit="milliseconds"),
        Number(),
    ],
)
def test_options_survive_a_round_trip(kind: Any) -> None:
    assert kind_from_dict(kind_to_dict(kind)) == kind


def test_only_what_was_said_is_written() -> None:
    assert kind_to_dict(Number()) == {"kind": "number"}
    assert kind_to_dict(Number(clip=2.0)) == {"kind": "number", "clip": 2.0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "number", "scalling": "robust"}, "Did you mean 'scaling'"),
        ({"kind": "ignored", "why": "no"}, "no options"),
        ({"kind": "number", "log": "yes"}, "'log' of the kind number has a value of the wrong"),
        ({"kind": "number", "clip": "3"}, "a value such as 3.0"),
        ({"kind": "flag", "positive": 1}, "a value such as 'yes'"),
        ({"kind": "set", "separator": 3}, "a value such as '|'"),
        ({"kind": "number", "scaling": "robsut"}, "Did you mean 'robust'"),
        ({}, "There is no kind called ''"),
    ],
)
def test_wrong_options_are_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        kind_from_dict(content)
    assert message in str(caught.value)


def test_whole_numbers_are_good_for_options_with_decimals() -> None:
    assert kind_from_dict({"kind": "number", "clip": 3}) == Number(clip=3)


@pytest.mark.parametrize("content", [{}, {"kind": "picture"}, {"kind": "number", "count": 3}])
def test_damaged_preparations_are_told(content: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="A column of the preparation cannot be read"):
        fitted_from_dict(content)
