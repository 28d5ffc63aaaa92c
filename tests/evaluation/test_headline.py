"""What stands before all else: rows that were trained on, and every target."""

from dataclasses import replace

import numpy as np
import pytest

from fathom.evaluation.headline import headline, stand_together, stands
from fathom.evaluation.replicates import Resampling
from fathom.evaluation.rows import Rows
from fathom.evaluation.score import About, Score, build_score
from fathom.evaluation.seen import SeenRows
from fathom.metrics.record import Answer

PLAN = Resampling(draws=250)


def score(
    target: str,
    error: float,
    seen: SeenRows | None = None,
    baselines: tuple[str, ...] = ("mean", "other"),
) -> Score:
    """Of a model whose error is given; that of the baselines is 1."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=97)
    one, other = rng.normal(size=(2, 97))
    rows = Rows(task="regression", truth=truth)
    answers = {name: Answer(number=truth + other) for name in baselines}
    about = About(target=target, strongest=baselines[0] if baselines else None, seen=seen)
    return build_score(rows, Answer(number=truth + error * one), answers, about, plan=PLAN)


def test_a_single_target_keeps_its_verdict() -> None:
    one = score("price", 0.3)
    assert headline([one]) == one.verdict
    assert (stands(one), stand_together([one])) == (True, True)


def test_a_rival_that_is_not_beaten_leaves_it_open() -> None:
    """The strongest on the rows that choose need not be so on those that are scored."""
    one = score("price", 0.3)
    first = one.comparisons[0]
    second = replace(first, against="other", better=None)
    assert stands(replace(one, comparisons=(first, second))) is None
    too_few = replace(second, low=None, high=None, p_value=None)
    assert stands(replace(one, comparisons=(first, too_few))) is True


def test_every_target_is_told() -> None:
    all_three = [score("price", 0.3), score("rent", 3.0), score("tax", 1.0)]
    told = headline(all_three)
    assert told.startswith("Better than the strongest baseline on 1 of 3 targets. price: better (")
    assert "; rent: worse (rmse " in told
    assert "; tax: not shown to be better (rmse " in told
    assert told.endswith(" of mean).")
    assert headline(all_three[1:]).startswith(
        "Better than the strongest baseline on none of 2 targets. rent: worse"
    )
    assert stand_together(all_three) is None
    assert stand_together(all_three[:1] * 2) is True
    assert stand_together([]) is None
    assert headline([score(name, 0.3, baselines=("mean",)) for name in "ab"]).startswith(
        "Better than the only baseline measured on 2 of 2 targets. a: better"
    )
    none = headline([score("price", 0.3), score("x", 0.3, baselines=())])
    assert none.endswith("; x: not compared, no baseline could answer.")


def test_what_an_earlier_score_said_ends_the_verdict() -> None:
    first, second = score("price", 0.3), score("rent", 3.0)
    told = replace(second, recalled="It was worse than trees.")
    assert headline([first, told]).endswith(" of mean). rent: It was worse than trees.")
    rows = Rows(task="regression", truth=np.arange(41.0))
    about = About(target="price", strongest="mean", recalled="It was worse than trees.")
    answers = Answer(number=np.arange(41.0) + 1), {"mean": Answer(number=np.full(41, 20.0))}
    assert build_score(rows, *answers, about, plan=PLAN).verdict.endswith(
        " was not measured. It was worse than trees."
    )


@pytest.mark.parametrize(
    ("seen", "sentence", "leads"),
    [
        (SeenRows(count=0, rows=97), "", False),
        (
            SeenRows(count=1, rows=200),
            "1 of 200 rows were seen in training: the score looks better than it is on new rows.",
            False,
        ),
        (
            SeenRows(count=2, rows=200),
            "2 of 200 rows were seen in training: the score looks better than it is on new rows.",
            True,
        ),
        (
            SeenRows(count=1100, rows=2200),
            "1,100 of 2,200 rows were seen in training: the score says nothing about new rows.",
            True,
        ),
        (
            SeenRows(count=19, rows=200, by_chance=True),
            "19 of 200 rows equal rows of the training; with so few different values they may be "
            "others that look alike. If they are the same, the score says nothing about new rows.",
            False,
        ),
    ],
)
def test_seen_rows_in_words(seen: SeenRows, sentence: str, leads: bool) -> None:
    assert (seen.sentence, seen.leads) == (sentence, leads)


def test_seen_rows_stand_before_the_verdict_or_among_the_notes() -> None:
    plain = score("price", 0.3)
    many = score("price", 0.3, SeenRows(count=50, rows=97))
    few = score("price", 0.3, SeenRows(count=9, rows=97, notable=0.1))
    compared, _, others = plain.verdict.partition(" This is said of this one trained model")
    assert others, "what is said of other rows belongs to new ones only"
    assert compared
    assert many.verdict == (
        "50 of 97 rows were seen in training: the score says nothing about new rows. It is better "
        "there than what it was compared with, as it would be by memory alone: score it on rows "
        "that it has not seen."
    )
    worse = score("price", 3.0, SeenRows(count=50, rows=97))
    assert "memory" not in worse.verdict, "to lose on rows that were learned from is worth telling"
    assert (many.to_dict()["seen_in_training"], many.notes) == (50, plain.notes)
    assert (few.verdict, few.caution) == (plain.verdict, "")
    assert few.notes[0].startswith("9 of 97 rows were seen in training")
    assert score("price", 0.3, SeenRows(count=0, rows=97)).notes == plain.notes
    assert (plain.to_dict()["seen_in_training"], stands(many), stands(few)) == (None, None, True)


def test_the_caution_of_all_targets_is_said_once() -> None:
    seen = SeenRows(count=50, rows=97)
    both = [score("price", 0.3, seen), score("rent", 0.3, seen)]
    assert headline(both).startswith(
        f"{seen.sentence} Better than the strongest baseline on 2 of 2 targets. price: better"
    )
    assert stand_together(both) is None, "no mark of praise over such a score"
