"""What a check measured, as plain numbers, or what is wrong with it."""

from typing import Any

from fathom.base.errors import RecipeError


def as_figures(figures: Any) -> dict[str, float]:
    """The figures that a `validate` gave, as numbers.

    Raises:
        RecipeError: they are none.

    Example:
        >>> as_figures({"loss": 1})
        {'loss': 1.0}
    """
    if not isinstance(figures, dict):
        raise no_figures("None" if figures is None else f"a {type(figures).__name__}")
    try:
        return {str(name): float(value) for name, value in figures.items()}
    except (TypeError, ValueError, RuntimeError) as error:
        raise no_figures(f"figures that are no numbers ({error})") from error


def no_figures(got: str) -> RecipeError:
    """The error where there is no loss among them."""
    return RecipeError(
        "The validation gives no loss to choose the best weights by.",
        where="validation",
        expected='a dict of numbers with a "loss" among them',
        got=got,
        do='Let the function return {"loss": …}, or leave validation out.',
    )


def nothing_to_watch(got: str) -> RecipeError:
    """The error where patience has no loss to wait for."""
    return RecipeError(
        "Patience needs something to watch.",
        where="plan.patience",
        expected='a `validate` whose figures have a "loss"',
        got=got,
        do="Give such a `validate`, or leave patience at 0.",
    )
