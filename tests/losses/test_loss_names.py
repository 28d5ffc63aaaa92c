"""The table of losses: every word leads to a function that fits the tasks it names."""

import pytest
import torch

from fathom.base.errors import RecipeError
from fathom.losses.course import LOSSES, named_loss

BATCH = 7


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_gives_one_number_per_example_for_its_tasks(name):
    examples = {
        "regression": (torch.randn(BATCH), torch.randn(BATCH)),
        "binary": (torch.randn(BATCH), torch.ones(BATCH)),
        "multiclass": (torch.randn(BATCH, 3), torch.ones(BATCH, dtype=torch.long)),
        "multilabel": (torch.randn(BATCH, 3), torch.ones(BATCH, 3)),
    }
    loss = named_loss(name)
    for task in loss.tasks:
        prediction, target = examples[task]
        if name == "quantile":
            prediction = prediction.unsqueeze(-1)
        if task == "binary" and "multiclass" in loss.tasks:
            prediction, target = torch.randn(BATCH, 2), target.long()
        answer = loss.function(prediction, target)
        assert answer.shape == target.shape
        assert (answer >= 0).all()


def test_every_task_has_a_loss():
    tasks = {task for loss in LOSSES.values() for task in loss.tasks}
    assert tasks == {"regression", "binary", "multiclass", "multilabel"}


def test_a_wrong_word_is_told_with_the_nearest_that_fits():
    with pytest.raises(RecipeError) as caught:
        named_loss("cross_entrpy", "multiclass")
    assert caught.value.what == "There is no loss 'cross_entrpy'."
    assert caught.value.expected == "one of 'cross_entropy', 'focal'"
    assert caught.value.do == "Did you mean 'cross_entropy'?"


def test_a_loss_for_another_task_is_told():
    with pytest.raises(RecipeError) as caught:
        named_loss("huber", "binary")
    assert caught.value.what == "The loss 'huber' does not fit the task 'binary'."
    assert caught.value.got == "'huber', which fits 'regression'"
    assert named_loss("huber", "regression") is LOSSES["huber"]
