"""Losses for classes against PyTorch's own, naive loops and extreme logits."""

import inspect
import math

import pytest
import torch
import torch.nn.functional as F
from beartype import beartype
from jaxtyping import jaxtyped

from fathom.base.errors import FathomError, RecipeError
from fathom.losses.classification import (
    binary_cross_entropy,
    binary_focal,
    cross_entropy,
    focal,
)

BATCH, MEMBERS, CLASSES = 7, 5, 3


def checked(function):
    """The function with its written shapes checked at each call."""
    return jaxtyped(typechecker=beartype)(inspect.unwrap(function))


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(shape, generator=generator) * 2


@pytest.fixture
def weights():
    return torch.tensor([0.5, 2.0, 3.5])


def _classes(*shape: int):
    return torch.arange(math.prod(shape)).reshape(shape) % CLASSES


@pytest.mark.parametrize("weight", [1.0, 3.0])
@pytest.mark.parametrize("shape", [(BATCH,), (BATCH, MEMBERS)])
def test_binary_cross_entropy_equals_pytorchs(draw, shape, weight):
    logits, target = draw(*shape), draw(*shape).sigmoid()
    answer = checked(binary_cross_entropy)(logits, target, positive_weight=weight)
    expected = F.binary_cross_entropy_with_logits(
        logits, target, pos_weight=torch.tensor(weight), reduction="none"
    )
    torch.testing.assert_close(answer, expected)


def test_binary_cross_entropy_weighs_each_label_by_its_own(draw):
    logits, target = draw(BATCH, CLASSES), (draw(BATCH, CLASSES) > 0).long()
    each = torch.tensor([0.5, 2.0, 7.0])
    answer = checked(binary_cross_entropy)(logits, target, positive_weight=each)
    expected = F.binary_cross_entropy_with_logits(
        logits, target.float(), pos_weight=each, reduction="none"
    )
    torch.testing.assert_close(answer, expected)


def test_binary_label_smoothing_moves_the_truth_to_the_middle(draw):
    logits, target = draw(BATCH), torch.tensor([0.0, 1, 1, 0, 1, 0, 1])
    answer = checked(binary_cross_entropy)(logits, target, label_smoothing=0.2)
    moved = torch.where(target > 0, 0.9, 0.1)
    torch.testing.assert_close(answer, binary_cross_entropy(logits, moved))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_equals_pytorchs(draw, weights, smoothing, weighted, soft):
    logits = draw(BATCH, CLASSES)
    target = draw(BATCH, CLASSES).softmax(-1) if soft else _classes(BATCH)
    weight = weights if weighted else None
    answer = checked(cross_entropy)(logits, target, label_smoothing=smoothing, class_weights=weight)
    expected = F.cross_entropy(
        logits, target, weight=weight, label_smoothing=smoothing, reduction="none"
    )
    torch.testing.assert_close(answer, expected)


@pytest.mark.parametrize("function", [cross_entropy, focal])
def test_members_share_a_target_that_broadcasts(draw, function):
    logits, target = draw(BATCH, MEMBERS, CLASSES), _classes(BATCH)
    together = checked(function)(logits, target.unsqueeze(1))
    assert together.shape == (BATCH, MEMBERS)
    leading = checked(function)(logits.transpose(0, 1), target)
    for member in range(MEMBERS):
        alone = function(logits[:, member], target)
        torch.testing.assert_close(together[:, member], alone)
        torch.testing.assert_close(leading[member], alone)


@pytest.mark.parametrize("function", [cross_entropy, focal])
def test_a_class_number_is_a_share_of_one(draw, function):
    logits, target = draw(BATCH, CLASSES), _classes(BATCH)
    shares = F.one_hot(target, CLASSES).float()
    torch.testing.assert_close(function(logits, shares), function(logits, target))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_equals_a_naive_loop(draw, weights, gamma):
    logits, target = draw(BATCH, CLASSES), _classes(BATCH)
    answer = checked(focal)(logits, target, gamma=gamma, alpha=weights)
    for row in range(BATCH):
        powers = [math.exp(value) for value in logits[row].tolist()]
        truth = int(target[row])
        p = powers[truth] / sum(powers)
        expected = weights[truth].item() * (1 - p) ** gamma * -math.log(p)
        assert answer[row].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_binary_focal_equals_a_naive_loop(draw, gamma, alpha):
    logits, target = draw(BATCH), torch.tensor([0.0, 1, 1, 0, 0.3, 0, 1])
    answer = checked(binary_focal)(logits, target, gamma=gamma, alpha=alpha)
    on_yes, on_no = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    for row in range(BATCH):
        p, t = 1 / (1 + math.exp(-logits[row].item())), target[row].item()
        expected = -on_yes * t * (1 - p) ** gamma * math.log(p)
        expected -= on_no * (1 - t) * p**gamma * math.log(1 - p)
        assert answer[row].item() == pytest.approx(expected, rel=1e-5)


def test_focal_without_gamma_is_cross_entropy(draw):
    logits, target = draw(BATCH, CLASSES), _classes(BATCH)
    torch.testing.assert_close(focal(logits, target, gamma=0.0), cross_entropy(logits, target))


def test_binary_and_two_class_losses_agree(draw):
    logits, target = draw(BATCH), torch.tensor([0, 1, 1, 0, 1, 0, 1])
    two = torch.stack([torch.zeros(BATCH), logits], -1)
    torch.testing.assert_close(binary_cross_entropy(logits, target), cross_entropy(two, target))
    torch.testing.assert_close(binary_focal(logits, target), focal(two, target))


@pytest.mark.parametrize("gamma", [0.3, 2.0])
@pytest.mark.parametrize("size", [50.0, 1e4])
def test_extreme_logits_stay_finite(size, gamma):
    binary = torch.tensor([size, -size, size, -size], requires_grad=True)
    answers = torch.tensor([1.0, 0.0, 0.0, 1.0])
    many = torch.tensor([[size, 0.0, 0.0], [0.0, size, 0.0]], requires_grad=True)
    truth = torch.tensor([0, 0])
    losses = [
        binary_cross_entropy(binary, answers),
        binary_focal(binary, answers, gamma=gamma),
        cross_entropy(many, truth, label_smoothing=0.1),
        focal(many, truth, gamma=gamma),
    ]
    for loss, leaf in zip(losses, [binary, binary, many, many], strict=True):
        assert loss.isfinite().all()
        (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        assert gradient.isfinite().all()
    # Sure and wrong costs about as much as the logit is large.
    torch.testing.assert_close(losses[1], torch.tensor([0.0, 0.0, size, size]))
    torch.testing.assert_close(losses[3], torch.tensor([0.0, size]))


@pytest.mark.parametrize("function", [binary_cross_entropy, binary_focal, cross_entropy, focal])
def test_the_gradient_is_that_of_finite_differences(draw, function):
    if function in (binary_cross_entropy, binary_focal):
        logits, target = draw(BATCH).double(), torch.tensor([0, 1, 1, 0, 0.3, 0, 1]).double()
    else:
        logits, target = draw(BATCH, CLASSES).double(), _classes(BATCH)
    logits.requires_grad_()
    assert function(logits, target).dtype == torch.float64
    assert torch.autograd.gradcheck(lambda z: function(z, target), logits)


@pytest.mark.parametrize("function", [binary_cross_entropy, binary_focal, cross_entropy, focal])
def test_bf16_logits_are_computed_in_fp32(draw, function):
    logits = draw(BATCH, CLASSES).bfloat16()
    target = draw(BATCH, CLASSES).softmax(-1)
    answer = function(logits, target)
    assert answer.dtype == torch.float32
    assert torch.equal(answer, function(logits.float(), target))


def test_small_integer_types_will_do_as_classes(draw):
    logits, target = draw(BATCH, CLASSES), _classes(BATCH)
    for dtype in (torch.uint8, torch.int16, torch.int32):
        answer = checked(cross_entropy)(logits, target.to(dtype))
        assert torch.equal(answer, cross_entropy(logits, target))


def test_wrong_shapes_are_told():
    logits = torch.zeros(BATCH, CLASSES)
    for target in (torch.zeros(BATCH, 1).long(), torch.zeros(BATCH, CLASSES + 1)):
        for function in (cross_entropy, focal):
            with pytest.raises(FathomError, match="do not agree"):
                inspect.unwrap(function)(logits, target)
    for function in (binary_cross_entropy, binary_focal):
        with pytest.raises(FathomError, match="do not agree"):
            inspect.unwrap(function)(torch.zeros(BATCH, 1), torch.zeros(BATCH))


def test_wrong_options_are_told(draw):
    logits, target = draw(BATCH, CLASSES), _classes(BATCH)
    yes = torch.ones(BATCH)
    with pytest.raises(RecipeError, match="'label_smoothing' must lie between 0 and 1"):
        cross_entropy(logits, target, label_smoothing=1.5)
    with pytest.raises(RecipeError, match="'label_smoothing' must lie between 0 and 1"):
        binary_cross_entropy(yes, yes, label_smoothing=-0.1)
    with pytest.raises(RecipeError, match="'positive_weight' must be above 0"):
        binary_cross_entropy(yes, yes, positive_weight=0.0)
    with pytest.raises(RecipeError, match="'gamma' must not be below 0"):
        focal(logits, target, gamma=-1.0)
    with pytest.raises(RecipeError, match="'gamma' must not be below 0"):
        binary_focal(yes, yes, gamma=float("nan"))
    with pytest.raises(RecipeError, match="'alpha' must lie between 0 and 1"):
        binary_focal(yes, yes, alpha=2.0)
    with pytest.raises(RecipeError, match="'class_weights' must have one weight") as caught:
        inspect.unwrap(cross_entropy)(logits, target, class_weights=torch.ones(2))
    assert caught.value.got == "a tensor of shape [2]"
    with pytest.raises(RecipeError, match="'alpha' must have one weight for each class"):
        inspect.unwrap(focal)(logits, target, alpha=torch.ones(4))
