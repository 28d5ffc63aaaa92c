import re
from collections.abc import Callable
from pathlib import Path

import polars as pl

from fathom.workflow.budget import Pace, timed, within
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import Study, study
from fathom.workflow.train import Sources, resume, train


def test_half_of_the_time_is_for_steps_whatever_else_there_is() -> None:
    pace = Pace(step=0.01, check=1.0, around=3.0)
    assert pace.num_steps(100.0, 2, 7) == 4000  # 50 s each, less 3 and 7 s
    assert pace.num_steps(10.0, 5, 7) == 100  # 2 s each: 1 s for steps
    assert pace.num_steps(0.001, 5, 7) == 1


def test_a_time_that_is_too_short_is_told(table: pl.DataFrame) -> None:
    said = {"target": "price", "network.members": 2, "network.width": 7, "split.folds": 2}
    made = study(Recipe.of(said), table.drop("dear"))
    hurried = within(made, 0.01)
    assert hurried.resolved.training.num_steps < made.resolved.training.num_steps
    (finding,) = [f for f in hurried.findings if f.code == "time_too_short"]
    assert "0.01 seconds hold" in finding.evidence
    assert hurried.resolved.value("training.epochs") < 3


def test_hurried_folds_become_one_network(table: pl.DataFrame) -> None:
    """Nobody asked for folds, and the time holds less than the steps of one network."""
    said = {"target": "price", "network.members": 2, "network.width": 7, "time": 0.01}
    asked: list[Recipe] = []

    def again(recipe: Recipe) -> Study:
        asked.append(recipe)
        return study(recipe, table.drop("dear"))

    made = again(Recipe.of(said))
    hurried = timed(made, again)
    assert (len(made.material.parts), len(hurried.material.parts)) == (5, 1)
    (folds,) = [one for one in hurried.decisions if one.key == "split.folds"]
    assert (folds.value, folds.said) == (0, False)
    assert re.fullmatch(
        r"0\.01 s hold \d+ of [\d,]+ steps for each of 5 networks: one learns more", folds.reason
    )
    assert hurried.recipe == made.recipe
    kept = timed(again(Recipe.of({**said, "split.folds": 5})), again)
    assert len(kept.material.parts) == 5
    assert len(asked) == 3


def test_a_run_whose_folds_were_given_up_is_resumed(table: pl.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    table.drop("dear").write_csv(file)
    said = {"target": "price", "network.members": 2, "network.width": 7, "time": 0.01}
    said |= {"evaluate.baselines": False, "evaluate.importance": False}
    run = train(Recipe.of(said), Sources(file), tmp_path / "run")
    assert run.record["decided"]["split.folds"] == 0
    kept = (run.folder / "model.safetensors").read_bytes()
    (run.folder / "MODEL_CARD.md").unlink()
    assert (resume(run.folder).folder / "model.safetensors").read_bytes() == kept
    assert "one learns more" in (run.folder / "resolved.toml").read_text("utf-8")


def test_a_time_that_is_long_enough_changes_nothing(table: pl.DataFrame) -> None:
    said = {"target": "price", "network.members": 2, "network.width": 7, "training.epochs": 4.0}
    made = study(Recipe.of(said), table.drop("dear"))
    calm = within(made, 1000.0)
    assert calm.resolved.training == made.resolved.training
    assert not [f for f in calm.findings if f.code == "time_too_short"]


def test_a_time_that_was_too_short_is_told_again_after_a_resume(
    table: pl.DataFrame, tmp_path: Path, small_train: Callable[..., Run]
) -> None:
    """The measurement is not repeated, so nothing but the record can tell."""
    file = tmp_path / "rows.csv"
    table.drop("dear").write_csv(file)
    run = small_train(file, settings={"time": 0.01, "training.epochs": 5000.0})
    told = "The time given is too short"
    assert told in run.report.read_text("utf-8")
    assert told in (run.folder / "MODEL_CARD.md").read_text("utf-8")
    assert told in resume(run.folder).report.read_text("utf-8")
    assert told in (run.folder / "MODEL_CARD.md").read_text("utf-8")
