"""Training one's own module in one call."""

from collections.abc import Callable, Iterable, Sized
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fathom.base.errors import RecipeError, StorageError, listed
from fathom.base.files import write_atomically, write_json
from fathom.base.machine import machine, versions
from fathom.base.tensors import Loss
from fathom.objectives.objective import Objective
from fathom.training.asked import (
    check_data,
    check_epochs,
    check_folder,
    check_network,
    check_validation,
    objective_of,
)
from fathom.training.loader import as_batch, batches_of, one_epoch
from fathom.training.loop import Batches
from fathom.training.plan import TrainingPlan, plan_to_dict
from fathom.training.records import MEASURE_FROM, Options, Trained, Validate
from fathom.training.session import train_network


def fit(
    network: nn.Module,
    data: Batches | Iterable[Any],
    objective: Objective | Callable[..., Tensor],
    *,
    epochs: float | None = None,
    plan: TrainingPlan | None = None,
    validation: Validate | Iterable[Any] | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
) -> Trained:
    """Train any module on any loader with any loss, and give it back with its best weights.

    Ctrl-C, a kill, a full disk or memory that runs out cost at most the steps since the last
    check; called again with resume=True it ends with the same bits as without the interruption.

    Args:
        network: trained in place, on the device where it is.
        data: a `DataLoader` that yields (x, y), or (x1, x2, …, y), or any iterable of such tuples
            that can begin anew; x alone where the objective needs no target; or batches of your
            own, see `Batches`.
        objective: a loss function of (module(x), y), best one with reduction="none", or an
            `Objective`.
        epochs: how often the data are gone through, with adamw at 1e-3 under a falling rate and a
            check after each epoch. Either this, or a plan.
        plan: everything about the steps.
        validation: a loader like `data` whose mean loss chooses the best weights; or a function of
            the network that gives figures of which "loss" does; None = the last weights are kept.
        folder: where checkpoint, history.jsonl, events.jsonl, record.json and, at the end,
            model.safetensors are kept; None = nowhere.
        resume: go on from the folder's checkpoint, if there is one.

    Returns:
        The network in eval mode, history, events, and under `speed` where the time went.

    Raises:
        RecipeError: the arguments do not fit together, or one of them is not what it must be.
        StorageError: the folder holds something, and resume was not said; or it is a file.
        TrainingError, Stopped, StorageError, RunError: see `train_network`.

    Example:
        >>> x = torch.linspace(-1, 1, 64)[:, None]
        >>> data = torch.utils.data.TensorDataset(x, 2 * x + 1)
        >>> loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
        >>> trained = fit(nn.Linear(1, 1), loader, nn.functional.mse_loss, epochs=2)
        >>> trained.steps, [record["step"] for record in trained.history]
        (8, [4, 8])
    """
    check_network(network)
    check_data(data)
    check_validation(validation)
    learns = objective_of(objective)
    seed = plan.seed if plan is not None else 0
    batches = batches_of(data, seed, unlabelled=learns.unlabelled)
    used = _plan(network, batches, epochs, plan)
    device = next(network.parameters(), torch.zeros(())).device
    validate = _validate(validation, learns, used, device)
    place = _place(folder, resume)
    options = Options(folder=place, resume=resume, measure_from=MEASURE_FROM)
    trained = train_network(network, batches, learns, used, validate, options)
    if place is not None:
        _keep(place, trained, used)
    return trained


def _place(folder: str | Path | None, resume: bool) -> Path | None:
    """Where the training is kept, if it is.

    Raises:
        RecipeError: it shall be gone on with what no folder holds.
        StorageError: the folder is a file, or what it holds would be overwritten.
    """
    if folder is None and resume:
        raise RecipeError(
            "There is nothing to go on from.",
            where="resume=True",
            expected="the folder that the first training was given",
            got="no folder",
            do="Pass folder=… as the first time, or leave resume out.",
        )
    if folder is None:
        return None
    place = Path(folder)
    check_folder(place)
    if not resume:
        _check_free(place)
    return place


def _check_free(folder: Path) -> None:
    """What an earlier training left is never overwritten.

    Raises:
        StorageError: there is something in the folder.
    """
    inside = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    if inside:
        raise StorageError(
            "The folder holds something already, perhaps another training.",
            where=str(folder),
            expected="a new or empty folder",
            got=listed(inside),
            do="Choose another folder, delete this one, or go on from it with resume=True.",
        )


def _plan(
    network: nn.Module, batches: Batches, epochs: float | None, plan: TrainingPlan | None
) -> TrainingPlan:
    if (epochs is None) == (plan is None):
        raise RecipeError(
            "How long to train must be said once.",
            expected="either epochs or plan",
            got="neither" if plan is None else "both",
            do="Pass epochs=20, say, or plan=TrainingPlan(num_steps=…).",
        )
    if plan is not None:
        return plan
    assert epochs is not None, "just seen"
    check_epochs(epochs)
    if not isinstance(batches, Sized):
        raise RecipeError(
            "These batches do not say how many of them an epoch has.",
            expected="batches with a length",
            got=type(batches).__name__,
            do="Say the number of steps: plan=TrainingPlan(num_steps=…).",
        )
    num_steps = max(1, round(epochs * len(batches)))
    # PyTorch's own optimisers import its compiler, which takes two seconds; and one kernel moves
    # weights sooner than several, though not complex ones.
    fused = not any(parameter.is_complex() for parameter in network.parameters())
    check_every = min(len(batches), num_steps)
    return TrainingPlan(num_steps=num_steps, check_every=check_every, fused=fused)


def _validate(
    validation: Validate | Iterable[Any] | None,
    objective: Objective,
    plan: TrainingPlan,
    device: torch.device,
) -> Validate | None:
    """The mean loss over a loader, where it is one."""
    if validation is None or callable(validation):
        return validation
    if len(objective.phases) > 1:
        raise RecipeError(
            "An objective of several phases has no single loss to validate with.",
            where=type(objective).__name__,
            expected="validation as a function of the network that gives figures",
            got="a loader",
            do='Write such a function; its "loss" chooses the best weights.',
        )

    def validate(network: nn.Module) -> dict[str, float]:
        total = Loss({})
        for item in one_epoch(validation, plan.seed, "validation"):
            batch = as_batch(item, unlabelled=objective.unlabelled).to(device)
            total += objective.loss(network, batch, objective.phases[0])
        if not total.parts:
            raise RecipeError(
                "There is nothing to validate with.",
                expected="a loader that gives at least one batch, each time anew",
                got="none",
                do="Pass a loader or a list, not a generator that has come to its end.",
            )
        counts = total.counts()
        means = {name: (value / counts[name]).item() for name, (value, _) in total.parts.items()}
        return {"loss": sum(means.values())} | (means if len(means) > 1 else {})

    return validate


def _keep(folder: Path, trained: Trained, plan: TrainingPlan) -> None:
    """The best weights under their own names, and what the training was.

    What else a module says of its state (`get_extra_state`) has no place among weights.
    """
    weights = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in trained.network.state_dict().items()
        if isinstance(value, Tensor)
    }
    write_atomically(folder / "model.safetensors", lambda aside: save_file(weights, aside))
    write_json(
        folder / "record.json",
        {
            "plan": plan_to_dict(plan),
            "steps": trained.steps,
            "best_step": trained.best_step,
            "speed": trained.speed,
            "versions": versions(),
            "machine": machine(),
        },
    )
