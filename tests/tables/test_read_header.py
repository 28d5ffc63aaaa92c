"""Whether the first line is a header: the guess and its reason."""

import pytest

from fathom.tables.header import HeaderGuess, guess_header


def guess(*lines: str, single_lines: bool = False) -> HeaderGuess:
    return guess_header([line.split(",") for line in lines], single_lines=single_lines)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["age,sex", "39,f", "41,m"], "words such as 'age' stand above numbers"),
        (["day,city", "2019-01-01,x", "2019-01-02,y"], "words such as 'day' stand above numbers"),
        (["id,2019,2020,2021", "a,1,2,3"], None),
        (["number,2019,2020,2021", "7,1,2,3"], "words such as 'number' stand above numbers"),
        (["row,2019-01,2019-02", "a,5,6", "b,7,8"], "words such as '2019-01' stand above numbers"),
        (["x,y", "?,1", "3,NA"], "words such as 'x' stand above numbers"),
        (["name,colour"] + [f"n{i},red" for i in range(5)], "'colour' never comes again"),
        (["text", "a long sentence that goes on", "another sentence"], "'text' is far shorter"),
        (
            ["picture,many", "a/1.png,few", "a/2.jpg,many"],
            "'picture' stands above names that end as",
        ),
        (["name,city", "bob,paris"], "nothing speaks for or against one"),
    ],
)
def test_headers(lines: list[str], reason: str | None) -> None:
    found = guess(*lines)
    assert found.present == (reason is not None)
    if reason:
        assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["39,f", "41,m"], "the first line holds the number '39'"),
        (["1.234,5", "2,3"], "the first line holds the number '1.234'"),
        (["2019-01-01,x", "2019-01-02,y"], "the first line holds the date '2019-01-01'"),
        (["low,med", "high,low", "low,med"], "'low' of the first line comes again below it"),
        (["a.png,few", "b.png,few", "c.png,many"], "'few' of the first line comes again below it"),
        (["say,few", "no. Stop,few", "c.png,many"], "'few' of the first line comes again below it"),
        (["a,a", "b,c"], "'a' stands twice in the first line"),
        (["It was good. Really!", "It was bad."], "the first line does not look like names"),
        (["<5,3,4", "6,7,8", "9,1,2"], "the first line holds the number '3'"),
        (["1,2,3"], "there is one line only"),
    ],
)
def test_no_headers(lines: list[str], reason: str) -> None:
    found = guess(*lines)
    assert not found.present
    assert found.reason == reason


def test_lines_without_delimiter_rarely_have_one() -> None:
    lines = ["anna", "bob", "carl"]
    assert guess(*lines).present
    assert not guess(*lines, single_lines=True).present
    assert not guess(*lines, single_lines=True).sure


def test_only_custom_is_not_sure() -> None:
    assert not guess("name,city", "bob,paris").sure
    assert guess("age,sex", "39,f").sure
