"""Optimisers by name: how a gradient becomes a step.

| word | step | when |
|---|---|---|
| sgd | along the gradient | to see how it all began; convex problems |
| momentum | along a running sum of gradients | pictures, with a tuned learning rate |
| nesterov | the same, looking one step ahead | as momentum, often a little better |
| adagrad | each weight by its own summed history | sparse features |
| rmsprop | each weight by its own recent size | recurrent networks |
| adam | momentum and rmsprop together | a sound start anywhere |
| adamw | adam with weight decay that is not scaled | the plain choice |
| muon | hidden layers: equally long in all directions; the rest: adamw | fewer steps |

Usual learning rates: 0.1 for sgd, momentum and nesterov; 0.01 for adagrad; 0.001 for the others.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError, RunError, listed, nearest
from fathom.training.moves import FusedAdam, Moves, Muon

Role = Literal["hidden", "depthwise", "head", "embedding", "gain", "bias"]
Implementation = Literal["auto", "foreach", "fused", "plain"]


@dataclass(frozen=True)
class NamedOptimizer:
    """One optimiser of the course.

    Attributes:
        options: the options of a plan that it uses, with their usual values.
        sentence: what it does and when to use it, for a newcomer.
    """

    options: dict[str, Any]
    sentence: str


_ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}

OPTIMIZERS: dict[str, NamedOptimizer] = {
    "sgd": NamedOptimizer({}, "A step along the gradient; simple, slow, good for seeing why."),
    "momentum": NamedOptimizer(
        {"momentum": 0.9}, "Keeps rolling along past gradients; strong on pictures when tuned."
    ),
    "nesterov": NamedOptimizer(
        {"momentum": 0.9}, "Momentum that looks one step ahead; often a little better."
    ),
    "adagrad": NamedOptimizer(
        {"eps": 1e-10}, "Smaller steps for weights that have moved much; for sparse features."
    ),
    "rmsprop": NamedOptimizer(
        {"smoothing": 0.99, "momentum": 0.0, "eps": 1e-8},
        "Each weight's step by the recent size of its gradient; for recurrent networks.",
    ),
    "adam": NamedOptimizer(_ADAM, "Momentum and rmsprop together; a sound start anywhere."),
    "adamw": NamedOptimizer(
        _ADAM, "Adam with weight decay set apart from the gradient; the plain choice."
    ),
    "muon": NamedOptimizer(
        {"momentum": 0.95, "nesterov": True, "hold_norm": False, **_ADAM},
        "Hidden layers by an orthogonalised step, the rest by adamw; often needs fewer steps.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class OptimizerPlan:
    """Which optimiser, with which options.

    An option left at None takes the usual value of `OPTIMIZERS`; one that the chosen optimiser
    does not use is an error.

    Attributes:
        name: a word of `OPTIMIZERS`.
        learning_rate: length of a step; the schedule multiplies it.
        weight_decay: pull towards 0. adamw and muon shrink the weight itself by learning rate ×
            weight decay; the others add weight decay × weight to the gradient.
        momentum: share of the running sum of gradients that is kept.
        nesterov: whether muon looks one step ahead.
        hold_norm: whether convolutions keep the length of their filters under muon; decay does
            nothing to them then.
        betas: how long adam remembers the gradient and its square.
        eps: keeps a division from exploding. (Muon's own matrices do not use it.)
        smoothing: how long rmsprop remembers the squared gradient.

    Raises:
        RecipeError: an unknown name, an option not used or out of its range.

    Example:
        >>> OptimizerPlan(name="momentum", learning_rate=0.1).settings()
        {'momentum': 0.9}
    """

    name: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    momentum: float | None = None
    nesterov: bool | None = None
    hold_norm: bool | None = None
    betas: tuple[float, float] | None = None
    eps: float | None = None
    smoothing: float | None = None

    def __post_init__(self) -> None:
        if self.name not in OPTIMIZERS:
            raise RecipeError(
                f"There is no optimiser '{self.name}'.",
                expected=f"one of {listed(OPTIMIZERS, most=20)}",
                got=f"'{self.name}'",
                do=nearest(str(self.name).lower(), OPTIMIZERS) or "Choose one of the words above.",
            )
        used = OPTIMIZERS[self.name].options
        for option, value in self._optional().items():
            if value is not None and option not in used:
                users = [word for word, named in OPTIMIZERS.items() if option in named.options]
                raise RecipeError(
                    f"The optimiser '{self.name}' does not use the option '{option}'.",
                    expected=f"'{option}' with {listed(users)} only",
                    got=f"{option} = {value}",
                    do=f"Leave '{option}' out, or choose another optimiser.",
                )
        self._check_ranges()

    def settings(self) -> dict[str, Any]:
        """The options that the optimiser uses, the usual values filled in."""
        given = {key: value for key, value in self._optional().items() if value is not None}
        return {**OPTIMIZERS[self.name].options, **given}

    def _optional(self) -> dict[str, Any]:
        return {
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "hold_norm": self.hold_norm,
            "betas": self.betas,
            "eps": self.eps,
            "smoothing": self.smoothing,
        }

    def _check_ranges(self) -> None:
        used = self.settings()
        _check("learning_rate", self.learning_rate, 0, math.inf)
        _check("weight_decay", self.weight_decay, 0, math.inf)
        for option in ("momentum", "smoothing"):
            _check(option, used.get(option, 0), 0, 1)
        for beta in used.get("betas", ()):
            _check("betas", beta, 0, 1)
        _check("eps", used.get("eps", 0), 0, math.inf)


def _check(option: str, value: float, least: float, below: float) -> None:
    if not least <= value < below:
        shown = f"a number from {least} to below {below}" if below < math.inf else "0 or above"
        raise RecipeError(
            f"The option '{option}' of the optimiser is out of its range.",
            expected=shown,
            got=str(value),
            do=f"Choose another '{option}', or leave it out.",
        )


_NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def parameter_roles(network: nn.Module, heads: Collection[str] = ()) -> dict[str, Role]:
    """What each parameter of a network is for, judged by its module, name and shape.

    Args:
        network: any module.
        heads: dotted names of the modules that give the answers; their weights are "head".

    Returns:
        Dotted name of the parameter -> "hidden" (weights between features), "depthwise" (a filter
        for each feature by itself), "head" (weights of the last layer), "embedding" (a row per
        category), "gain" (a factor per feature) or "bias".

    Example:
        >>> parameter_roles(nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 4)))
        {'0.weight': 'embedding', '1.weight': 'hidden', '1.bias': 'bias'}
    """
    owners = dict(network.named_modules())
    found: dict[str, Role] = {}
    for name, parameter in network.named_parameters():
        owner = name.rpartition(".")[0]
        role = guess_role(name, parameter)
        if role == "hidden" and isinstance(owners[owner], nn.Embedding | nn.EmbeddingBag):
            role = "embedding"
        if role == "hidden" and isinstance(owners[owner], _NORMS):
            role = "gain"
        if role == "hidden" and _depthwise(owners[owner]):
            role = "depthwise"
        if role == "hidden" and any(f"{owner}.".startswith(f"{head}.") for head in heads):
            role = "head"
        found[name] = role
    return found


def _depthwise(module: nn.Module) -> bool:
    """Whether each of its filters sees one channel: then they are no matrix between features."""
    if not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return False
    return 1 < module.groups == module.in_channels


def guess_role(name: str, parameter: Tensor) -> Role:
    """What a parameter is for, judged by its name and shape alone.

    Example:
        >>> guess_role("body.0.bias", torch.zeros(3)), guess_role("view.scale", torch.ones(2, 3))
        ('bias', 'gain')
    """
    last = name.rpartition(".")[2]
    if "bias" in last:
        return "bias"
    if parameter.ndim < 2 or last in ("gain", "scale"):
        return "gain"
    return "embedding" if "embedding" in last else "hidden"


def decays(role: Role) -> bool:
    """Whether weight decay pulls at a parameter: at weights between features, not at others.

    A bias or a gain near 0 is no simpler than another, and a rare category's embedding would fade
    between its appearances.
    """
    return role in ("hidden", "depthwise", "head")


def build_optimizer(
    parameters: Mapping[str, nn.Parameter],
    plan: OptimizerPlan,
    *,
    roles: Mapping[str, Role] | None = None,
    multipliers: Mapping[str, float] | None = None,
    begins: Mapping[str, float] | None = None,
    implementation: Implementation = "auto",
) -> "PlannedOptimizer":
    """The optimiser of a plan for some parameters.

    Args:
        parameters: dotted name -> what learns, as `named_parameters` gives them. muon takes those
            that are "hidden" (matrices and convolutions, but not depth-wise ones); all others go to
            adamw with the same learning rate.
        plan: which optimiser.
        roles: name -> what the parameter is for, as `parameter_roles` gives them; None = guessed
            from name and shape, which knows no embedding but by its name, nor what is depth-wise.
        multipliers: name -> factor on the parameter's learning rate; 1 where not named.
        begins: name -> share of all steps after which the parameter moves; 0 where not named.
        implementation: "plain" (a loop), "foreach" (all tensors at once), "fused" (one kernel) or
            "auto" (PyTorch's choice for the device). muon's own matrices have only the plain one,
            its others what is said here.

    Raises:
        RecipeError: no parameters, a parameter without a role, a multiplier for a name that does
            not exist, or an implementation that the optimiser does not have.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> plan = OptimizerPlan(name="sgd", learning_rate=0.5)
        >>> optimizer = build_optimizer(dict(layer.named_parameters()), plan)
        >>> before, _ = layer.weight.item(), layer(torch.ones(1, 1)).sum().backward()
        >>> optimizer.step()
        >>> round(before - layer.weight.item(), 6)
        0.5
    """
    if roles is None:
        roles = {name: guess_role(name, parameter) for name, parameter in parameters.items()}
    factors, waiting = dict(multipliers or {}), dict(begins or {})
    _check_names(parameters, roles, factors | waiting)
    groups: dict[str, dict[tuple[float, float, float], dict[str, Any]]] = {}
    for name, parameter in parameters.items():
        decay = plan.weight_decay if decays(roles[name]) else 0.0
        key = (factors.get(name, 1.0), decay, waiting.get(name, 0.0))
        algorithm = _muon_of(parameter, roles[name]) if plan.name == "muon" else plan.name
        group = groups.setdefault(algorithm, {}).setdefault(key, _group(plan, *key))
        group["params"].append((name, parameter))
    return PlannedOptimizer(
        {
            algorithm: _create(algorithm, list(of_one_kind.values()), plan, implementation)
            for algorithm, of_one_kind in groups.items()
        }
    )


def _muon_of(parameter: Tensor, role: Role) -> str:
    """Matrices and convolutions of hidden layers by muon, the rest by adamw."""
    if role != "hidden" or parameter.ndim < 2:
        return "adamw"
    return "muon" if parameter.ndim == 2 else "convolution_muon"


def _group(
    plan: OptimizerPlan, multiplier: float, weight_decay: float, begins: float
) -> dict[str, Any]:
    return {
        "params": [],
        "lr": plan.learning_rate * multiplier,
        "multiplier": multiplier,
        "begins": begins,
        "weight_decay": weight_decay,
    }


def _check_names(
    parameters: Mapping[str, Tensor], roles: Mapping[str, Role], factors: Mapping[str, float]
) -> None:
    if not parameters:
        raise RecipeError(
            "There is nothing to optimise.",
            expected="at least one parameter that learns",
            got="none",
            do="Check the network and the filter of parameters.",
        )
    if without := [name for name in parameters if name not in roles]:
        raise RecipeError(
            "A parameter has no role.",
            where=listed(without, most=3),
            expected="a role for each parameter",
            got="none",
            do="Take the roles from `parameter_roles` of the same network.",
        )
    for name, multiplier in factors.items():
        if name not in parameters:
            raise RecipeError(
                f"There is no parameter '{name}' to multiply the learning rate of.",
                expected=f"one of {listed(parameters)}",
                got=f"'{name}'",
                do=nearest(name, parameters) or "Use the full dotted name of the parameter.",
            )
        _check("multipliers", multiplier, 0, math.inf)


def _create(
    name: str, groups: list[dict[str, Any]], plan: OptimizerPlan, implementation: Implementation
) -> torch.optim.Optimizer | Moves:
    used = plan.settings()
    if name in ("muon", "convolution_muon"):
        # Steps as long as adamw's, so that one learning rate and decay serve both.
        options = {option: used[option] for option in ("nesterov", "hold_norm")}
        return Muon(groups, used["momentum"], **options)
    how = _implementation(name, implementation)
    if name in ("adam", "adamw") and implementation == "fused":
        return FusedAdam(groups, used["betas"], used["eps"], decoupled=name == "adamw")
    match name:
        case "sgd" | "momentum" | "nesterov":
            momentum = used.get("momentum", 0.0)
            return torch.optim.SGD(groups, momentum=momentum, nesterov=name == "nesterov", **how)
        case "adagrad":
            return torch.optim.Adagrad(groups, eps=used["eps"], **how)
        case "rmsprop":
            return torch.optim.RMSprop(
                groups, alpha=used["smoothing"], momentum=used["momentum"], eps=used["eps"], **how
            )
        case "adam":
            return torch.optim.Adam(groups, betas=used["betas"], eps=used["eps"], **how)
        case _:
            return torch.optim.AdamW(groups, betas=used["betas"], eps=used["eps"], **how)


def _implementation(name: str, implementation: Implementation) -> dict[str, bool]:
    ways: dict[str, dict[str, bool]] = {
        "auto": {},
        "foreach": {"foreach": True},
        "fused": {"fused": True},
        "plain": {"foreach": False},
    }
    if implementation not in ways:
        raise RecipeError(
            f"There is no implementation '{implementation}' of an optimiser.",
            expected=f"one of {listed(ways)}",
            got=f"'{implementation}'",
            do=nearest(implementation, ways) or "Choose one of the words above.",
        )
    if name == "rmsprop" and implementation == "fused":
        raise RecipeError(
            "The optimiser 'rmsprop' has no fused implementation.",
            expected="'auto', 'foreach' or 'plain'",
            got="'fused'",
            do="Choose 'auto'.",
        )
    return ways[implementation]


class PlannedOptimizer:
    """One or two of PyTorch's optimisers, stepped and stored as one.

    Its state is a flat dict of tensors under "algorithm/parameter/quantity", which a safetensors
    file can hold; learning rates are not in it, since they follow from plan and step.

    Args:
        parts: algorithm -> optimiser, each group with its "initial_lr".
    """

    def __init__(self, parts: dict[str, torch.optim.Optimizer | Moves]) -> None:
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts, PyTorch's own dicts."""
        return [group for part in self.parts.values() for group in part.param_groups]

    def set_rate(self, rate: float, share: float = 1.0) -> None:
        """Set the learning rate; a group with a multiplier gets its multiple.

        Args:
            rate: for those without.
            share: of all steps that are done; what has not begun to move stands still.
        """
        for group in self.param_groups:
            group["lr"] = rate * group["multiplier"] if share >= group["begins"] else 0.0

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for part in self.parts.values():
            part.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self.parts.values():
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Tensor]:
        """What the optimiser remembers; the tensors themselves, not copies."""
        return {
            f"{algorithm}/{name}/{quantity}": value
            for algorithm, part in self.parts.items()
            for name, parameter in _named(part)
            for quantity, value in part.state[parameter].items()
            if isinstance(value, Tensor)
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state_dict` gave; the tensors are copied.

        Raises:
            RunError: the state belongs to other parameters or another optimiser.
        """
        left = dict(state)
        for algorithm, part in self.parts.items():
            for name, parameter in _named(part):
                prefix = f"{algorithm}/{name}/"
                mine = [key for key in left if key.startswith(prefix)]
                found = {key.removeprefix(prefix): left.pop(key) for key in mine}
                _check_state(name, parameter, found)
                found = {key: _laid_out(value, parameter) for key, value in found.items()}
                part.state[parameter] = found
        if left:
            raise RunError(
                "The state of the optimiser belongs to another network or another optimiser.",
                expected=f"only the parameters of {listed(self.parts)} in this network",
                got=listed(left, most=3),
                do="Resume with the recipe that the run was started with.",
            )


def _named(part: torch.optim.Optimizer | Moves) -> list[tuple[str, nn.Parameter]]:
    return [
        pair
        for group in part.param_groups
        for pair in zip(group["param_names"], group["params"], strict=True)
    ]


def _laid_out(value: Tensor, parameter: Tensor) -> Tensor:
    """A copy that lies in memory as its parameter does.

    Files hold rows one after the other. A fused step walks through weight, gradient and state by
    their places in memory, and would move weights by what belongs to others.
    """
    if value.ndim == 0:
        return value.clone()
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _check_state(name: str, parameter: Tensor, found: dict[str, Tensor]) -> None:
    for quantity, value in found.items():
        if value.ndim > 0 and value.shape != parameter.shape:
            raise RunError(
                "The state of the optimiser does not fit the network.",
                where=f"'{quantity}' of parameter '{name}'",
                expected=f"shape {list(parameter.shape)}",
                got=f"shape {list(value.shape)}",
                do="Resume with the recipe that the run was started with.",
            )
