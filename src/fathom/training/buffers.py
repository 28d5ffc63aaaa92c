"""What forward passes leave behind in modules (running statistics), kept so as to be undone."""

# PyTorch offers its fast operations on lists of tensors under private names only.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor, nn


class Buffers:
    """The buffers of some modules, as they were when last remembered.

    All are copied each time, constant tables too: batch normalisation writes without raising the
    version number by which PyTorch tells that a tensor has changed.

    Args:
        modules: whose buffers.

    Example:
        >>> norm = nn.BatchNorm1d(2)
        >>> buffers = Buffers(norm)
        >>> buffers.remember()
        >>> _ = norm(torch.ones(3, 2))
        >>> buffers.put_back()
        >>> norm.running_mean
        tensor([0., 0.])
    """

    def __init__(self, *modules: nn.Module) -> None:
        self._modules = modules
        self._owners = self._found()
        # (owner, name) -> the tensor that is the buffer, and a copy of its content.
        self._kept: dict[tuple[nn.Module, str], tuple[Tensor, Tensor]] = {}

    def remember(self) -> None:
        """Take the present content as what `put_back` puts back."""
        found: dict[tuple[nn.Module, str], tuple[Tensor, Tensor]] = {}
        fresh: list[tuple[Tensor, Tensor]] = []
        for place, buffer in self._all():
            before, copy = self._kept.get(place, (None, None))
            if copy is None or before is not buffer:
                copy = buffer.detach().clone()
            else:
                fresh.append((copy, buffer))
            found[place] = (buffer, copy)
        self._kept = found
        _copy(fresh)

    def put_back(self) -> None:
        """Undo what was written since `remember`."""
        self._owners = self._found()  # a forward pass may have made modules on its way
        for (owner, name), buffer in self._all():
            # A table that a module made on the way, when first needed, may stay.
            before, _ = self._kept.get((owner, name), (buffer, buffer))
            if before is not buffer:
                setattr(owner, name, before)
        _copy(list(self._kept.values()))

    def _found(self) -> list[nn.Module]:
        return [owner for module in self._modules for owner in module.modules()]

    def _all(self) -> list[tuple[tuple[nn.Module, str], Tensor]]:
        return [
            ((owner, name), buffer)
            for owner in self._owners
            for name, buffer in owner._buffers.items()  # without what named_buffers does around
            if buffer is not None
        ]


def _copy(pairs: list[tuple[Tensor, Tensor]]) -> None:
    """Each second tensor into the first, all at once."""
    by_type: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for into, source in pairs:
        lists = by_type.setdefault(into.dtype, ([], []))
        lists[0].append(into)
        lists[1].append(source)
    with torch.no_grad():
        for into_all, sources in by_type.values():
            torch._foreach_copy_(into_all, sources)
