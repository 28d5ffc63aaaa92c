"""What a training owns: the network, an optimiser per phase, the average; and one step of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError, TrainingError, listed
from fathom.base.seeds import seed_global
from fathom.base.tensors import Batch, Loss, added
from fathom.objectives.objective import Objective, Phase
from fathom.training.asked import check_network
from fathom.training.averaging import build_average
from fathom.training.buffers import Buffers
from fathom.training.memory import memory_error, memory_told, ran_out
from fathom.training.optimizers import (
    PlannedOptimizer,
    Role,
    build_optimizer,
    parameter_roles,
)
from fathom.training.plan import TrainingPlan
from fathom.training.schedules import factor
from fathom.training.timing import timer_on

Event = dict[str, Any]
# Some losses are rightly constant for a batch without anything to find in it.
_MOST_IDLE = 10


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        number: how many steps have been taken, this one included.
        loss: the mean loss of its batch; a tensor, so that nobody waits for it unasked.
        learning_rate: the optimiser's rate in this step.
        phase: whose turn it was.
        examples: how many examples the batch held.
        parts: the means of the loss's parts, tensors too.
    """

    number: int
    loss: Tensor
    learning_rate: float
    phase: str
    examples: int
    parts: dict[str, Tensor]


class Learner:
    """A network in training.

    What the objective has of its own to learn (a temperature, a projection) is trained with the
    network, under names that begin with "objective.".

    Args:
        network: what learns; any module that the objective can call. Parts of it that are in eval
            mode stay so, unless the whole network is.
        objective: how it learns; moved to where the network is.
        plan: the numerical plan.

    Raises:
        RecipeError: there is nothing to learn, or network, objective and plan do not fit.
    """

    def __init__(self, network: nn.Module, objective: Objective, plan: TrainingPlan) -> None:
        self.network, self.objective, self.plan = network, objective, plan
        self.step = 0
        self.rate_scale = 1.0
        self.pieces = plan.accumulate
        self.events: list[Event] = []
        self.batch: Batch | None = None
        self.planned: tuple[Event, ...] = ()
        self._moved = self._compiling = False
        self._compiled_for: set[int] | None = set() if _is_compiled(network) else None
        check_network(network)
        self._named = _learnt(network, objective)
        self.device = next(iter(self._named.values())).device
        self.timer = timer_on(self.device)
        objective.to(self.device)
        self._asleep = [m for m in network.modules() if not m.training] if network.training else []
        self._buffers = Buffers(network, objective)
        self._phases = {
            phase.name: {name: p for name, p in self._named.items() if phase.trains(name)}
            for phase in objective.phases
        }
        self._check_phases()
        roles = parameter_roles(network, ("heads",))
        own = parameter_roles(objective)
        roles |= {f"objective.{name}": role for name, role in own.items()}
        self.optimizers = {
            name: _build(parameters, plan, roles) for name, parameters in self._phases.items()
        }
        self.average = (
            build_average(self._named, plan.averaging, plan.num_steps) if plan.averaging else None
        )
        # 0 as long as all losses and norms were finite; 0 times another is NaN, and stays so.
        self._nought = torch.zeros((), device=self.device)

    def _check_phases(self) -> None:
        names = [phase.name for phase in self.objective.phases]
        trained = {name for group in self._phases.values() for name in group}
        idle = [name for name in self._named if name not in trained]
        whole = all(phase.every >= 1 for phase in self.objective.phases)
        if len(set(names)) < len(names) or idle or not whole:
            raise RecipeError(
                "The phases of the objective do not fit the network.",
                where=type(self.objective).__name__,
                expected="names that differ, every = 1 or more, and every weight in some phase",
                got=f"phases {listed(names)}; in no phase: {listed(idle)}",
                do="Change `phases`, or set requires_grad = False for weights that stand still.",
            )
        if self.plan.accumulate > 1 and not self.objective.splittable:
            raise RecipeError(
                "The batches of this objective cannot be split.",
                where=type(self.objective).__name__,
                expected="accumulate = 1: it compares the examples of a batch with each other",
                got=f"accumulate = {self.plan.accumulate}",
                do="Leave accumulate out, or choose a smaller batch_size.",
            )

    def wake(self) -> None:
        """Training mode, but for the parts that were handed in asleep."""
        self.network.train()
        for module in self._asleep:
            module.training = False

    def parameters(self) -> Iterable[nn.Parameter]:
        """All that is trained, the objective's own included."""
        return self._named.values()

    @property
    def finite(self) -> Tensor:
        """Whether the losses of all steps since the last `load` were numbers."""
        return self._nought == 0

    def gradients(self) -> dict[str, Tensor]:
        """The gradients of the last step, by the parameter's name, where there are any."""
        return {name: p.grad for name, p in self._named.items() if p.grad is not None}

    def take(self, batch: Batch) -> Step:
        """One step: forward, backward, clip, optimise.

        Raises:
            TrainingError: memory ran out, and splitting the batch did not help; the batch is
                empty; or no loss of the first steps depends on what is trained.
        """
        self._refuse_empty(batch)
        self.batch = batch
        phase = self.objective.phase_at(self.step)
        optimizer = self.optimizers[phase.name]
        rate = self.plan.optimizer.learning_rate * self.rate_scale
        rate *= factor(self.step, self.plan.num_steps, self.plan.schedule)
        optimizer.set_rate(rate, self.step / self.plan.num_steps)
        self._obey()
        parts = self._gradients(batch, phase)
        self._refuse_idleness()
        loss = added(list(parts.values())) if parts else self._zero()
        with memory_told("Memory ran out for the optimiser.", f"step {self.step + 1}"):
            if self.plan.clip_norm is not None:
                moved = self._phases[phase.name].values()
                norm = nn.utils.clip_grad_norm_(moved, self.plan.clip_norm)
                self._nought.add_(norm, alpha=0)
            self._nought.add_(loss, alpha=0)
            optimizer.step()
            self.step += 1
            if self.average is not None:
                self.average.update(self._named, self.step)
            self.objective.after_step(self.network, self.step)
        self.timer.lap("optimizer")
        self.timer.took_step(len(batch))
        return Step(self.step, loss, rate, phase.name, len(batch), parts)

    def _refuse_empty(self, batch: Batch) -> None:
        if len(batch) == 0:
            raise TrainingError(
                "The batch is empty.",
                where=f"step {self.step + 1}",
                expected="at least one example in each batch",
                got="a batch of 0 examples",
                do="Leave empty batches out of the batches.",
            )

    def _refuse_idleness(self) -> None:
        """Steps without gradients leave the weights where they are, and would look like success."""
        if self._moved:
            return
        self._moved = bool(self.gradients())
        if not self._moved and self.step + 1 >= min(_MOST_IDLE, self.plan.num_steps):
            raise TrainingError(
                "The loss depends on no parameter of the network: nothing can be learned from it.",
                where=f"steps 1 to {self.step + 1}",
                expected="a loss computed from the network's output, with its gradients",
                got="no gradient for any parameter",
                do="Look for .detach(), .item(), torch.no_grad() or numbers in the loss function "
                "and in the network's forward.",
            )

    def _zero(self) -> Tensor:
        return torch.zeros((), device=self.device)

    def _obey(self) -> None:
        """Split where an earlier training had to, so that a replay rounds and draws alike."""
        for event in self.planned:
            if event["step"] == self.step and event["pieces"] > self.pieces:
                self.pieces = event["pieces"]
                self.events.append(dict(event))

    def _gradients(self, batch: Batch, phase: Phase) -> dict[str, Tensor]:
        """Fill the gradients of the whole batch; split it when memory runs out."""
        self._buffers.remember()
        while True:
            try:
                for parameter in self._named.values():
                    parameter.grad = None
                return self._in_pieces(batch, phase)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                self._split_further(batch, error)
            # Only here, outside of `except`, are the tensors of the failed attempt free.
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _split_further(self, batch: Batch, error: BaseException) -> None:
        if not self.objective.splittable or self.pieces >= len(batch):
            where = f"step {self.step + 1}, a batch of {len(batch)} in {self.pieces} pieces"
            what = "Memory ran out, and the batch cannot be split any further."
            raise memory_error(what, where, error) from error
        self.pieces = min(2 * self.pieces, len(batch))
        self.events.append({"step": self.step, "event": "batch_split", "pieces": self.pieces})

    def _in_pieces(self, batch: Batch, phase: Phase) -> dict[str, Tensor]:
        if self.pieces == 1:
            loss = self._loss(batch, phase)
            return self._descend(loss, loss.counts(), phase)
        pieces = _cut(batch, self.pieces)
        counts = self._counts(pieces, phase)
        total: dict[str, Tensor] = {}
        for place, piece in enumerate(pieces):
            found = self._descend(self._loss(piece, phase, place), counts, phase)
            total |= {name: total.get(name, 0) + mean for name, mean in found.items()}
        return total

    def _counts(self, pieces: list[Batch], phase: Phase) -> dict[str, Tensor]:
        """Counts of the whole batch: one pass that leaves no trace but them.

        What a failed attempt has left goes with it. With gradients, since an objective may ask
        for those of its own (penalties on slopes).
        """
        found = Loss({})
        for place, piece in enumerate(pieces):
            parts = self._loss(piece, phase, place).parts
            kept = {name: count.detach() for name, (_, count) in parts.items()}
            found += Loss({name: (count, count) for name, count in kept.items()})
        self._buffers.put_back()
        return found.counts()

    def _descend(self, loss: Loss, counts: dict[str, Tensor], phase: Phase) -> dict[str, Tensor]:
        means = loss.means(counts)
        mean = added(list(means.values())) if means else self._zero()
        if mean.requires_grad:
            mean.backward(inputs=list(self._phases[phase.name].values()))
        self._passed("backward")
        return {name: mean.detach() for name, mean in means.items()}

    def _loss(self, batch: Batch, phase: Phase, piece: int = 0) -> Loss:
        kind = self.device.type
        # Here, so that a second attempt and a piece draw what they would draw in a replay.
        seed_global(self.plan.seed, "step", self.step, *([piece] if piece else []))
        self.timer.lap("other")
        batch = batch.to(self.device)
        self.timer.lap("data")
        self._compiling = self._compiled_for is not None and len(batch) not in self._compiled_for
        if self._compiled_for is not None:
            self._compiled_for.add(len(batch))
        with torch.autocast(kind, torch.bfloat16, enabled=self.plan.precision == "bf16"):
            loss = self.objective.loss(self.network, batch, phase)
        self._passed("forward")
        return loss

    def _passed(self, part: str) -> None:
        """One of the two passes is over, which compiled its program where there was none."""
        self.timer.lap("compiling" if self._compiling else part)

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
            "moved": self._moved,
            "network": self.network.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "average": self.average.state_dict() if self.average is not None else None,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        self.step, self.rate_scale = state["step"], state["rate_scale"]
        self.pieces = state["pieces"]
        # Checkpoints of older versions do not say.
        self._moved = state.get("moved", True)
        self.network.load_state_dict(state["network"])
        self.objective.load_state_dict(state["objective"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self._nought.zero_()


def _is_compiled(network: nn.Module) -> bool:
    """Whether `Module.compile` or `torch.compile` was called on it, or on a part of it."""
    signs = ("_compiled_call_impl", "_orig_mod")  # what either leaves
    return any(
        getattr(module, sign, None) is not None for module in network.modules() for sign in signs
    )


def _learnt(network: nn.Module, objective: Objective) -> dict[str, nn.Parameter]:
    """What is trained, by name: the network's, and what the objective has of its own."""
    shared = {id(parameter) for parameter in network.parameters()}
    named = dict(network.named_parameters()) | {
        f"objective.{name}": parameter
        for name, parameter in objective.named_parameters()
        if id(parameter) not in shared
    }
    learnt = {name: parameter for name, parameter in named.items() if parameter.requires_grad}
    if not learnt:
        raise RecipeError(
            "There is nothing to learn.",
            where=type(network).__name__,
            expected="at least one parameter with requires_grad",
            got=f"{len(named)} parameters, none of them with requires_grad",
            do="Hand in a network with weights that may move.",
        )
    return learnt


def _cut(batch: Batch, num_pieces: int) -> list[Batch]:
    """Pieces of nearly equal size, none of them empty."""
    num = max(1, min(num_pieces, len(batch)))
    parts = [part.tolist() for part in torch.arange(len(batch)).tensor_split(num)]
    return [batch.rows(slice(part[0], part[-1] + 1)) for part in parts if part]


def _build(
    parameters: dict[str, nn.Parameter], plan: TrainingPlan, roles: dict[str, Role]
) -> PlannedOptimizer:
    """The optimiser, with what moves otherwise than the rest."""
    slower = [(name, layer) for name in parameters for layer in plan.layers if layer.holds(name)]
    return build_optimizer(
        parameters,
        plan.optimizer,
        roles=roles,
        multipliers={name: layer.factor for name, layer in slower},
        begins={name: layer.begins for name, layer in slower},
        implementation="fused" if plan.fused else "auto",
    )
