"""Recipes as people and editors write them."""

from pathlib import Path

import pytest

from fathom.base.errors import RecipeError
from fathom.workflow.recipe import read_recipe


def _written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (".".join("a" * 5000) + " = 1", "The recipe cannot be read."),
        ("seed = " + "9" * 6000, "The recipe cannot be read."),
        ("seed = " + "9" * 400, "a number of 1,329 bits"),
        ('"training.epochs" = 3\n[training]\nepochs = 4', "'training.epochs' is said twice"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=told):
        read_recipe(_written(tmp_path, text))


def test_a_mark_of_the_byte_order_is_no_letter(tmp_path: Path) -> None:
    path = _written(tmp_path, 'target = "y"', encoding="utf-8-sig")
    assert read_recipe(path).targets == ("y",)


def test_a_name_longer_than_any_path_stays_as_it_is(tmp_path: Path) -> None:
    recipe = read_recipe(_written(tmp_path, f'data = "{"a" * 5000}"'))
    assert len(recipe.get("data")) == 5000
