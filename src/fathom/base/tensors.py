"""The tensors that travel between data, network and loss: Field, Batch, Features, Loss."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Form = Literal["vector", "sequence", "map", "pyramid"]

if sys.platform != "win32":
    # The threads of a process are not in its forks (multiprocessing, servers that load first):
    # there a step on several threads would wait forever for those that are gone.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


_FEW_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Field:
    """The values of one column, or of several that travel together, for some examples.

    Attributes:
        data: first axis = examples. One number per row and column: ["batch", "columns"];
            token ids: ["batch", "positions"]; pictures: ["batch", "channels", "height", "width"].
        mask: True where a value is present; its shape is the leading part of `data`'s.
            None = everything is there.
        lengths: how many positions of a ragged row are used; None = all.
    """

    data: Tensor
    mask: Bool[Tensor, "batch ..."] | None = None
    lengths: Int[Tensor, " batch"] | None = None

    def __len__(self) -> int:
        return self.data.shape[0]

    def rows(self, index: Tensor | slice) -> "Field":
        """The same field for some examples only."""
        mask = None if self.mask is None else taken(self.mask, index)
        lengths = None if self.lengths is None else taken(self.lengths, index)
        return Field(taken(self.data, index), mask, lengths)

    def unmasked(self) -> "Field":
        """Without a mask that says of everything that it is there: nobody need look at it then.

        Example:
            >>> Field(torch.zeros(2), torch.tensor([True, True])).unmasked().mask is None
            True
        """
        whole = self.mask is not None and bool(self.mask.all())
        return replace(self, mask=None) if whole else self

    def present(self) -> Bool[Tensor, "batch ..."] | None:
        """Where values are: the mask, and of ragged rows only the positions used; None = all.

        Example:
            >>> Field(torch.zeros(2, 3), lengths=torch.tensor([3, 1])).present()
            tensor([[ True,  True,  True],
                    [ True, False, False]])
        """
        if self.lengths is None:
            return self.mask
        place = torch.arange(self.data.shape[1], device=self.data.device)
        used = place < self.lengths[:, None]
        if self.mask is None:
            return used
        if self.mask.ndim == 1:
            return used & self.mask[:, None]
        return self.mask & used.reshape(*used.shape, *[1] * (self.mask.ndim - 2))

    def to(self, device: torch.device) -> "Field":
        mask = None if self.mask is None else _moved(self.mask, device)
        lengths = None if self.lengths is None else _moved(self.lengths, device)
        return Field(_moved(self.data, device), mask, lengths)


@dataclass(frozen=True)
class Stored:
    """Rows that lie elsewhere, in memory or mapped from a file, and are fetched when asked for.

    Attributes:
        parts: tensors of equal rows, taken as one after the other.
        number: of each example, its row there.
        mask: True where a value is present; None = everywhere.
    """

    parts: tuple[Tensor, ...]
    number: Int[Tensor, " examples"]
    mask: Bool[Tensor, " examples"] | None = None

    def __len__(self) -> int:
        return len(self.number)

    @classmethod
    def of_needed(
        cls,
        parts: Sequence[Tensor],
        number: Int[Tensor, " examples"],
        mask: Bool[Tensor, " examples"] | None = None,
    ) -> "Stored":
        """Without the parts that no example lies in; few bytes in several parts become one.

        Fetching from one part takes a fifth of the time of fetching from two.

        Example:
            >>> stored = Stored.of_needed([torch.arange(5), torch.arange(7)], torch.tensor([6, 5]))
            >>> len(stored.parts), stored.number
            (1, tensor([1, 0]))
        """
        kept: list[Tensor] = []
        renumbered, first = number.clone(), 0
        for part in parts:
            here = (number >= first) & (number < first + len(part))
            if here.any():
                renumbered[here] += sum(map(len, kept)) - first
                kept.append(part)
            first += len(part)
        if len(kept) > 1 and sum(part.nbytes for part in kept) <= _FEW_BYTES:
            kept = [torch.cat(kept)]
        return cls(tuple(kept or parts), renumbered, mask)

    def rows(self, index: Tensor | slice) -> Field:
        """Some of them as a field."""
        mask = None if self.mask is None else taken(self.mask, index)
        return Field(self._fetched(taken(self.number, index)), mask)

    def _fetched(self, number: Tensor) -> Tensor:
        if len(self.parts) == 1:
            return taken(self.parts[0], number)
        found = self.parts[0].new_empty(len(number), *self.parts[0].shape[1:])
        first = 0
        for part in self.parts:
            here = ((number >= first) & (number < first + len(part))).nonzero().squeeze(1)
            if len(here):
                found.index_copy_(0, here, taken(part, taken(number, here) - first))
            first += len(part)
        return found

    def to(self, device: torch.device) -> "Field | Stored":
        """On a processor they stay where they are; elsewhere they are fetched once."""
        if device.type == "cpu":
            return self
        return self.rows(slice(None)).to(device)


def taken(rows: Tensor, index: Tensor | slice) -> Tensor:
    """Some rows of a tensor, as `rows[index]`, which takes several times as long for bytes.

    Args:
        rows: first axis = examples.
        index: which, from 0 on; or a mask, or a slice.
    """
    if isinstance(index, slice) or index.dtype != torch.int64 or index.ndim != 1:
        return rows[index]
    return rows.index_select(0, index)


def stacked(fields: Sequence[Field]) -> Field:
    """The fields of several batches as one, in order.

    Rows of different lengths are filled up to the longest with zeros; a mask says so, unless the
    fields have lengths.

    Example:
        >>> stacked([Field(torch.ones(1, 2)), Field(torch.ones(1, 3))]).mask
        tensor([[ True,  True, False],
                [ True,  True,  True]])
    """
    ragged = len({field.data.shape[1:] for field in fields}) > 1
    masks = [field.mask for field in fields]
    lengths = [field.lengths for field in fields if field.lengths is not None]
    if any(mask is not None for mask in masks) or (ragged and not lengths):
        axes = max((mask.ndim for mask in masks if mask is not None), default=1)
        axes = max(axes, 2 if ragged else 1)
        masks = [_full_mask(field, axes) for field in fields]
    width = max(field.data.shape[1] for field in fields) if ragged else 0
    whole = [mask for mask in masks if mask is not None]
    return Field(
        torch.cat([_filled(field.data, width) for field in fields]),
        torch.cat([_filled(mask, width) for mask in whole]) if whole else None,
        torch.cat(lengths) if lengths else None,
    )


def _full_mask(field: Field, axes: int) -> Tensor:
    """A mask of so many axes that says what the field's own says."""
    shape = field.data.shape[:axes]
    if field.mask is None:
        return torch.ones(shape, dtype=torch.bool, device=field.data.device)
    own = field.mask
    return own.reshape(*own.shape, *[1] * (axes - own.ndim)).expand(shape)


def _filled(x: Tensor, width: int) -> Tensor:
    """Zeros after the last position up to the width, where there are positions."""
    missing = width - x.shape[1] if width and x.ndim > 1 else 0
    return torch.cat([x, x.new_zeros(len(x), missing, *x.shape[2:])], dim=1) if missing else x


@dataclass(frozen=True)
class Mixed:
    """What each example of a batch has been mixed with: its partner, another one of the batch.

    Attributes:
        targets: of the partners.
        weight: how much the partners count.
        share: what of each example is its own, 0 to 1; the rest is its partner's.
    """

    targets: dict[str, Field]
    weight: Float[Tensor, " batch"]
    share: Float[Tensor, " batch"]

    def rows(self, index: Tensor | slice) -> "Mixed":
        """The same for some examples only."""
        targets = {name: field.rows(index) for name, field in self.targets.items()}
        return Mixed(targets, self.weight[index], self.share[index])

    def to(self, device: torch.device) -> "Mixed":
        targets = {name: field.to(device) for name, field in self.targets.items()}
        return Mixed(targets, _moved(self.weight, device), _moved(self.share, device))


@dataclass(frozen=True)
class Batch:
    """Some examples, ready for the network.

    Attributes:
        inputs: input name -> field. Names are ours ("numbers", "categories", "image_0"), never
            the user's column names.
        targets: head name ("target_0", …) -> field; empty when there is nothing to learn from.
        weight: how much each example counts.
        example: which example each one is, for randomness that belongs to the example and for
            putting answers back in order.
        step: which step of the training this batch is for.
        mixed: what the examples were mixed with, which counts as well; None = with nothing.
    """

    inputs: dict[str, Field]
    targets: dict[str, Field]
    weight: Float[Tensor, " batch"]
    example: Int[Tensor, " batch"]
    step: int = 0
    mixed: Mixed | None = None

    def __len__(self) -> int:
        return self.weight.shape[0]

    def rows(self, index: Tensor | slice) -> "Batch":
        """The same batch for some examples only."""
        return Batch(
            {name: field.rows(index) for name, field in self.inputs.items()},
            {name: field.rows(index) for name, field in self.targets.items()},
            self.weight[index],
            self.example[index],
            self.step,
            None if self.mixed is None else self.mixed.rows(index),
        )

    def to(self, device: torch.device) -> "Batch":
        return Batch(
            {name: field.to(device) for name, field in self.inputs.items()},
            {name: field.to(device) for name, field in self.targets.items()},
            _moved(self.weight, device),
            _moved(self.example, device),
            self.step,
            None if self.mixed is None else self.mixed.to(device),
        )


@dataclass(frozen=True)
class Features:
    """What an encoder or a body of a network hands on.

    Attributes:
        form: "vector" ["batch", "dim"], "sequence" ["batch", "positions", "dim"],
            "map" ["batch", "dim", "height", "width"], "pyramid" (several maps, finest first).
        data: the tensor; for a pyramid a tuple of maps.
        mask: True at positions that are used; None = all.
        members: with an efficient ensemble, the number of members, which then is the second axis:
            "vector" becomes ["batch", "members", "dim"]. None = a single network.
    """

    form: Form
    data: Tensor | tuple[Tensor, ...]
    mask: Bool[Tensor, "batch ..."] | None = None
    members: int | None = None

    @property
    def tensor(self) -> Tensor:
        """The one tensor of every form but the pyramid."""
        assert isinstance(self.data, Tensor), "a pyramid has several maps"
        return self.data


@dataclass(frozen=True)
class Loss:
    """A loss as sums and counts, never as a mean.

    Sums and counts of parts of a batch, or of several processes, add up to those of the whole;
    means do not. So a batch can be split for memory without changing the result.

    Attributes:
        parts: name -> (sum, count), both scalars; the count is a weight, not always whole.
    """

    parts: dict[str, tuple[Tensor, Tensor]]

    def mean(self) -> Tensor:
        """The scalar to descend: the sum over parts of sum / count."""
        means = self.means(self.counts())
        return added(list(means.values())) if means else torch.zeros(())

    def means(self, counts: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each part by itself, divided by these counts.

        Args:
            counts: its own, or those of the whole batch where this is the loss of a piece of it.
        """
        return {name: part_sum / counts[name] for name, (part_sum, _) in self.parts.items()}

    def counts(self) -> dict[str, Tensor]:
        """The count of each part, never less than a hair above zero."""
        return {name: count.clamp_min(1e-12) for name, (_, count) in self.parts.items()}

    def __add__(self, other: "Loss") -> "Loss":
        merged = dict(self.parts)
        for name, (part_sum, count) in other.parts.items():
            if name in merged:
                part_sum, count = merged[name][0] + part_sum, merged[name][1] + count
            merged[name] = (part_sum, count)
        return Loss(merged)


def added(scalars: Sequence[Tensor]) -> Tensor:
    """The sum of one scalar or more."""
    return scalars[0] if len(scalars) == 1 else torch.stack([*scalars]).sum()


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    # Towards the host nobody waits for the copy: it would be read before it is there.
    return tensor.to(device, non_blocking=device.type != "cpu")
