from typing import Any

import polars as pl
import pytest
import torch

from fathom.base.errors import DataError
from fathom.base.tensors import Field
from fathom.columns.flag import FittedFlag, Flag, polarity


def _fit(cells: Any, **options: Any) -> FittedFlag:
    flag = Flag(**options)
    return flag.freeze(flag.summarise(flag.parse(pl.Series(cells))))


def _ones(fitted: FittedFlag, cells: Any) -> list[float]:
    field = fitted.transform(Flag().parse(pl.Series(cells)))
    assert field.mask is not None
    return torch.where(field.mask, field.data, -1).tolist()


@pytest.mark.parametrize(
    ("no", "yes"),
    [
        ("no", "yes"),
        ("False", "True"),
        ("f", "t"),
        ("N", "Y"),
        ("0", "1"),
        ("0.0", "1.0"),
        ("-1", "1"),
        ("1", "2"),
        ("off", "on"),
        ("negative", "positive"),
        ("no-recurrence-events", "recurrence-events"),
        ("unacc", "acc"),
        ("not ill", "ill"),
    ],
)
def test_words_that_mean_yes_are_found_whatever_their_frequency(no: str, yes: str) -> None:
    for cells in ([no, yes, no], [yes, no, yes]):
        fitted = _fit(cells)
        assert fitted.levels == (no, yes)
        assert _ones(fitted, [no, yes]) == [0.0, 1.0]


def test_else_the_rarer_word_is_yes() -> None:
    assert _fit(["<=50K", "<=50K", ">50K"]).levels == ("<=50K", ">50K")
    found = polarity({"left": 152, "right": 134})
    assert found is not None
    assert found.reason == "'right' is the rarer of two words (134 of 286 rows): taken as yes"
    equal = polarity({"a": 2, "b": 2})
    assert equal is not None
    assert equal.positive == ("b",)


def test_the_person_can_say_which_word_is_yes() -> None:
    fitted = _fit(["alive", "dead", "dead"], positive="dead")
    assert (fitted.levels, fitted.reason) == (("alive", "dead"), "you said so")
    with pytest.raises(DataError, match="does not have the two words") as caught:
        _fit(["alive", "dead"], positive="deceased")
    assert caught.value.expected == "'deceased' and one other word"


def test_several_spellings_stand_side_by_side() -> None:
    fitted = _fit(["yes", "Y", "no", "yes", "0"])
    assert fitted.levels == ("0", "yes")
    assert _ones(fitted, ["yes", "Y", "no", "0", "TRUE", "n"]) == [1, 1, 0, 0, 1, 0]


def test_other_writings_of_a_later_file_are_understood() -> None:
    assert _ones(_fit(["True", "False"]), ["true", "FALSE", "1", "0"]) == [1, 0, 1, 0]
    assert _ones(_fit(["<=50K", "<=50K", ">50K"]), ["<=50K.", ">50K."]) == [0, 1]
    assert _ones(_fit(["no", "no", "left"]), ["left", "yes", "0"]) == [1, -1, -1]
    # Of 1 and 2 the 1 means no, so the usual words must not be mixed in.
    assert _ones(_fit(["1", "2"]), ["1", "2", "0", "true"]) == [0, 1, -1, -1]


def test_plus_and_minus_need_the_markers_kept() -> None:
    assert _fit(["+", "-", "+"], markers=False).levels == ("-", "+")
    assert _fit(["+", "-", "+"]).num_missing == 1


def test_one_word_has_an_opposite() -> None:
    assert _fit(["yes", "yes"]).levels == ("no", "yes")
    assert _fit(["0"]).levels == ("0", "1")
    assert _fit(["ill"]).levels == ("not ill", "ill")


def test_facts_and_decoding() -> None:
    fitted = _fit(["yes", "no", "no", "?", "no"])
    assert (fitted.count, fitted.num_missing, fitted.share) == (4, 1, 0.25)
    assert fitted.decode(Field(torch.tensor([0.49, 0.5, 1.0]))) == ["no", "yes", "yes"]
    unknown = fitted.transform(Flag().parse(pl.Series(["perhaps"])))
    assert unknown.data.tolist() == [0.25]


def test_typed_flags_are_read() -> None:
    assert _fit(pl.Series([True, False, None])).levels == ("false", "true")


def test_three_words_are_an_error_in_four_beats() -> None:
    with pytest.raises(DataError) as caught:
        _fit(["a", "b", "c"])
    assert caught.value.to_dict() == {
        "error": "DataError",
        "what": "A flag has two words, this column has more.",
        "where": "",
        "expected": "two different words, or spellings of yes and no",
        "got": "3 different words: 'a', 'b', 'c'",
        "do": "Call the column a category (--kind COLUMN=category).",
    }


def test_the_same_number_twice_has_no_two_sides() -> None:
    assert polarity({"2": 3, "2.0": 1}) is None
    assert polarity({"maybe": 1, "yes": 1, "no": 1}) is None
