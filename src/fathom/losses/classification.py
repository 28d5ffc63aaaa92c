"""Losses for classes: how surprised is the network by the truth?

| word | outputs (logits) per example | targets | when |
|---|---|---|---|
| binary_cross_entropy | one per question | 0, 1 or between | yes or no; several labels at once |
| binary_focal | one per question | 0, 1 or between | the same, very few yes |
| cross_entropy | one per class, last axis | class number or shares | one class out of several |
| focal | one per class, last axis | class number or shares | the same, most examples easy |

All take logits (scores before sigmoid or softmax), because log(softmax) can be computed exactly
where softmax itself would round to 0 or 1.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Integer, Shaped
from torch import Tensor

from fathom.base.errors import RecipeError
from fathom.losses.inputs import check_above_zero, check_shapes, check_share, precise

_NO_CLASS = -(1 << 62)


def binary_cross_entropy(
    logits: Float[Tensor, "*shape"],
    target: Shaped[Tensor, "*#shape"],
    *,
    label_smoothing: float = 0.0,
    positive_weight: float | Float[Tensor, "*#shape"] = 1.0,
) -> Float[Tensor, "*shape"]:
    """How surprised the network is by a yes or no.

        loss = −w t log σ(z) − (1 − t) log(1 − σ(z))

    Args:
        logits: z, one for each question, any shape.
        target: t, 0 or 1, or a probability between; the same shape, or one that broadcasts.
        label_smoothing: s moves t towards ½: t (1 − s) + s / 2. Keeps the network from
            over-confidence; 0 is off.
        positive_weight: w, how much more a yes counts than a no; for several labels one each.

    Returns:
        One loss per question, fp32.

    Raises:
        FathomError: the shapes do not agree.
        RecipeError: smoothing outside [0, 1], or a weight that is not above 0.

    Example:
        >>> binary_cross_entropy(torch.tensor([0.0, 2.0]), torch.tensor([1, 1]))
        tensor([0.6931, 0.1269])
    """
    truth = _soft_truth(logits, target, label_smoothing)
    if not isinstance(positive_weight, Tensor):
        check_above_zero("positive_weight", positive_weight)
    scores = precise(logits)
    yes, no = F.softplus(-scores), F.softplus(scores)
    return positive_weight * truth * yes + (1 - truth) * no


def binary_focal(
    logits: Float[Tensor, "*shape"],
    target: Shaped[Tensor, "*#shape"],
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
) -> Float[Tensor, "*shape"]:
    """Binary cross-entropy in which what is already well answered counts little.

        loss = −α t (1 − p)^γ log p − (1 − α) (1 − t) p^γ log(1 − p),   p = σ(z)

    Args:
        logits: z, one for each question, any shape.
        target: t, 0 or 1, or a probability between; the same shape, or one that broadcasts.
        gamma: how fast easy examples fade; 0 is plain cross-entropy.
        alpha: the share of weight on yes (no gets 1 − α); None leaves both factors out.

    Returns:
        One loss per question, fp32.

    Raises:
        FathomError: the shapes do not agree.
        RecipeError: gamma below 0, or alpha outside [0, 1].

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017 (there: γ = 2, α = 0.25).

    Example:
        >>> binary_focal(torch.tensor([0.0]), torch.tensor([1]), gamma=2.0)
        tensor([0.1733])
    """
    truth = _soft_truth(logits, target, 0.0)
    _check_gamma(gamma)
    if alpha is not None:
        check_share("alpha", alpha)
    scores = precise(logits)
    yes, no = F.softplus(-scores), F.softplus(scores)
    # −no is log(1 − p) and −yes is log p, so the powers never leave the safe range.
    yes, no = torch.exp(-gamma * no) * yes, torch.exp(-gamma * yes) * no
    weight_yes, weight_no = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    return weight_yes * truth * yes + weight_no * (1 - truth) * no


def cross_entropy(
    logits: Float[Tensor, "*shape classes"],
    target: Integer[Tensor, "*#shape"] | Float[Tensor, "*#shape classes"],
    *,
    label_smoothing: float = 0.0,
    class_weights: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, "*shape"]:
    """How surprised the network is by the class.

        loss = −Σ_c w_c t'_c log softmax(z)_c,   t' = t (1 − s) + s / classes

    Args:
        logits: z, the classes on the last axis.
        target: class numbers without that axis, or shares of the classes (mixed pictures,
            another network's answers) with it.
        label_smoothing: s moves a little of the truth to all classes; 0 is off.
        class_weights: w, one for each class. The caller who takes a weighted mean divides by
            the weights' sum.

    Returns:
        One loss per example, fp32.

    Raises:
        FathomError: the shapes do not agree.
        RecipeError: smoothing outside [0, 1], or not one weight for each class.

    Source: Szegedy et al., "Rethinking the Inception Architecture", 2016 (label smoothing).

    Example:
        >>> cross_entropy(torch.zeros(1, 4), torch.tensor([2]))
        tensor([1.3863])
    """
    check_share("label_smoothing", label_smoothing)
    if label_smoothing == 0 and class_weights is None and not target.is_floating_point():
        return _of_numbers(precise(logits), target)
    surprise = -torch.log_softmax(precise(logits), dim=-1)
    surprise = _weighted(surprise, class_weights, "class_weights")
    loss = _at_truth(surprise, target)
    if label_smoothing == 0:
        return loss
    return torch.lerp(loss, surprise.mean(-1), label_smoothing)


def focal(
    logits: Float[Tensor, "*shape classes"],
    target: Integer[Tensor, "*#shape"] | Float[Tensor, "*#shape classes"],
    *,
    gamma: float = 2.0,
    alpha: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, "*shape"]:
    """Cross-entropy in which what is already well answered counts little.

        loss = −Σ_c α_c t_c (1 − p_c)^γ log p_c,   p = softmax(z)

    Args:
        logits: z, the classes on the last axis.
        target: class numbers without that axis, or shares of the classes with it.
        gamma: how fast easy examples fade; 0 is plain cross-entropy.
        alpha: a weight for each class; None = all 1.

    Returns:
        One loss per example, fp32.

    Raises:
        FathomError: the shapes do not agree.
        RecipeError: gamma below 0, or not one weight for each class.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.

    Example:
        >>> focal(torch.zeros(1, 2), torch.tensor([0]), gamma=2.0)
        tensor([0.1733])
    """
    _check_gamma(gamma)
    log_probability = torch.log_softmax(precise(logits), dim=-1)
    # 0 to a power below 1 has an infinite slope, which would turn into NaN.
    others = (-torch.expm1(log_probability)).clamp_min(1e-12)
    surprise = -log_probability * others**gamma
    return _at_truth(_weighted(surprise, alpha, "alpha"), target)


def _soft_truth(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    check_shapes(logits.shape, target.shape)
    check_share("label_smoothing", smoothing)
    return precise(target) * (1 - smoothing) + smoothing / 2


def _at_truth(per_class: Tensor, target: Tensor) -> Tensor:
    """What the true class has, or the mean over classes by their shares."""
    if target.is_floating_point():
        check_shapes(per_class.shape, target.shape)
        return (per_class * precise(target)).sum(-1)
    shape = per_class.shape[:-1]
    check_shapes(shape, target.shape)
    return per_class.gather(-1, target.long().expand(shape).unsqueeze(-1)).squeeze(-1)


def _of_numbers(scores: Tensor, target: Tensor) -> Tensor:
    """The same bits by one operation of PyTorch's, whose gradient costs half as much."""
    shape = scores.shape[:-1]
    check_shapes(shape, target.shape)
    flat, place = scores.reshape(-1, scores.shape[-1]), target.long().expand(shape).reshape(-1)
    # No class number is to be passed over, as -100 is by default.
    found = F.cross_entropy(flat, place, reduction="none", ignore_index=_NO_CLASS)
    return found.reshape(shape)


def _weighted(per_class: Tensor, weights: Tensor | None, option: str) -> Tensor:
    if weights is None:
        return per_class
    if weights.shape != per_class.shape[-1:]:
        raise RecipeError(
            f"The option '{option}' must have one weight for each class.",
            expected=f"{per_class.shape[-1]} weights",
            got=f"a tensor of shape {list(weights.shape)}",
            do=f"Give '{option}' in the order of the classes, or leave it out.",
        )
    return per_class * weights.to(per_class)


def _check_gamma(gamma: float) -> None:
    if not gamma >= 0:
        raise RecipeError(
            "The option 'gamma' must not be below 0.",
            expected="0 (plain cross-entropy) or above; 2 is usual",
            got=str(gamma),
            do="Choose another 'gamma'.",
        )
