"""In Python as on the command line: what has an argument of its own is no setting beside it."""

from typing import Any

import pytest

from fathom.base.errors import RecipeError
from fathom.workflow.api import look, plan, train

ROWS = {"a": [n * 7 % 31 / 3 for n in range(60)], "y": [n * 5 % 23 / 7 for n in range(60)]}


@pytest.mark.parametrize("verb", [look, plan, train])
@pytest.mark.parametrize("key", ["data", "test", "validation", "target"])
def test_an_argument_is_no_setting(verb: Any, key: str) -> None:
    with pytest.raises(RecipeError, match=f"The setting '{key}' was said twice.") as caught:
        verb(ROWS, "y", settings={key: "other"})
    assert "'other' among the settings" in caught.value.got
    assert caught.value.do == "Leave one of them out."


def test_a_target_may_be_a_setting() -> None:
    assert look(ROWS, settings={"target": "y"}).schema.roles.targets == ("y",)
