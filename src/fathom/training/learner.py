"""What a training owns: the network, an optimiser per phase, the average; and one step of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fathom.base.errors import TrainingError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Objective, Phase
from fathom.training.averaging import build_average
from fathom.training.optimizers import build_optimizer, parameter_roles
from fathom.training.plan import TrainingPlan
from fathom.training.schedules import factor

Event = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        number: how many steps have been taken, this one included.
        loss: the mean loss of its batch; a tensor, so that nobody waits for it unasked.
        learning_rate: the optimiser's rate in this step.
        phase: whose turn it was.
        examples: how many examples the batch held.
    """

    number: int
    loss: Tensor
    learning_rate: float
    phase: str
    examples: int


class Learner:
    """A network in training.

    Args:
        network: what learns; any module that the objective can call.
        objective: how it learns.
        plan: the numerical plan.
    """

    def __init__(self, network: nn.Module, objective: Objective, plan: TrainingPlan) -> None:
        self.network, self.objective, self.plan = network, objective, plan
        self.step = 0
        self.rate_scale = 1.0
        self.pieces = plan.accumulate
        self.events: list[Event] = []
        self.device = next(network.parameters()).device
        self._named = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self._phases = {
            phase.name: [p for name, p in self._named.items() if phase.trains(name)]
            for phase in objective.phases
        }
        roles = parameter_roles(network, ("heads",))
        self.optimizers = {
            phase.name: build_optimizer(
                {name: p for name, p in self._named.items() if phase.trains(name)},
                plan.optimizer,
                roles=roles,
            )
            for phase in objective.phases
        }
        self.average = (
            build_average(self._named, plan.averaging, plan.num_steps) if plan.averaging else None
        )
        self.finite = torch.ones((), dtype=torch.bool, device=self.device)

    def take(self, batch: Batch) -> Step:
        """One step: forward, backward, clip, optimise."""
        phase = self.objective.phase_at(self.step)
        optimizer = self.optimizers[phase.name]
        rate = self.plan.optimizer.learning_rate * self.rate_scale
        rate *= factor(self.step, self.plan.num_steps, self.plan.schedule)
        optimizer.set_rate(rate)
        loss = self._gradients(batch, phase)
        if self.plan.clip_norm is not None:
            norm = nn.utils.clip_grad_norm_(self._phases[phase.name], self.plan.clip_norm)
            self.finite &= torch.isfinite(norm)
        self.finite &= torch.isfinite(loss)
        optimizer.step()
        self.step += 1
        if self.average is not None:
            self.average.update(self._named, self.step)
        self.objective.after_step(self.network, self.step)
        return Step(self.step, loss, rate, phase.name, len(batch))

    def _gradients(self, batch: Batch, phase: Phase) -> Tensor:
        """Fill the gradients of the whole batch; split it when memory runs out."""
        while True:
            try:
                for parameter in self._named.values():
                    parameter.grad = None
                return self._in_pieces(batch, phase)
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                self._split_further(batch, error)

    def _split_further(self, batch: Batch, error: RuntimeError) -> None:
        if not self.objective.splittable or self.pieces >= len(batch):
            raise TrainingError(
                "Memory ran out, and the batch cannot be split any further.",
                where=f"step {self.step + 1}, a batch of {len(batch)} in {self.pieces} pieces",
                got=str(error).splitlines()[0],
                do='Choose a smaller batch_size or a smaller network (size = "small").',
            ) from error
        self.pieces *= 2
        self.events.append({"step": self.step, "event": "batch_split", "pieces": self.pieces})
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _in_pieces(self, batch: Batch, phase: Phase) -> Tensor:
        if self.pieces == 1:
            mean = self._loss(batch, phase).mean()
            mean.backward()
            return mean.detach()
        index = torch.arange(len(batch), device=self.device).tensor_split(self.pieces)
        pieces = [batch.rows(rows) for rows in index if len(rows)]
        with torch.no_grad():
            counts = _total(self._loss(piece, phase) for piece in pieces).counts()
        total = torch.zeros((), device=self.device)
        for piece in pieces:
            share = self._loss(piece, phase).mean(counts)
            share.backward()
            total += share.detach()
        return total

    def _loss(self, batch: Batch, phase: Phase) -> Loss:
        kind = self.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self.plan.precision == "bf16"):
            return self.objective.loss(self.network, batch, phase)

    def with_average(self, use: Callable[[], Any]) -> Any:
        """Call `use` while the network carries the averaged weights, if there is an average."""
        if self.average is None:
            return use()
        with self.average.applied(self._named):
            return use()

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "step": self.step,
            "rate_scale": self.rate_scale,
            "pieces": self.pieces,
            "network": self.network.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "average": self.average.state_dict() if self.average is not None else None,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        self.step, self.rate_scale = state["step"], state["rate_scale"]
        self.pieces = state["pieces"]
        self.network.load_state_dict(state["network"])
        self.objective.load_state_dict(state["objective"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.finite = torch.ones_like(self.finite)


def _total(losses: Any) -> Loss:
    total = Loss({})
    for loss in losses:
        total = total + loss
    return total


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)
