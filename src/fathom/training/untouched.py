"""Everything that a trial may move in network, objective and loader, put back bit for bit."""

import copy
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from fathom.training.buffers import Buffers
from fathom.training.loader import LoaderBatches
from fathom.training.loop import Batches


@contextmanager
def untouched(batches: Batches, *modules: nn.Module) -> Iterator[None]:
    """Whatever is done inside, modules, batches and generators are afterwards as before.

    Weights, buffers, gradients, the modes of all modules, the position of the batches, the states
    of the generators of PyTorch, NumPy, Python and of the loader itself; after an error and after
    Ctrl-C too. In place, so that who holds a weight still holds it.

    Args:
        batches: what is drawn from inside.
        modules: what is trained inside.

    Example:
        >>> layer, pairs = nn.Linear(2, 1), [(torch.zeros(3, 2), torch.zeros(3, 1))]
        >>> before = layer.weight.detach().clone()
        >>> with untouched(LoaderBatches(pairs), layer), torch.no_grad():
        ...     _ = layer.weight.zero_(), torch.rand(7)
        >>> torch.equal(layer.weight, before)
        True
    """
    with ExitStack() as stack:
        for kept in (_generators(), _loader(batches), _position(batches), *map(_module, modules)):
            stack.enter_context(kept)
        yield


@contextmanager
def _module(module: nn.Module) -> Iterator[None]:
    buffers = Buffers(module)
    buffers.remember()
    weights = [(p, p.detach().clone(), p.grad) for p in module.parameters()]
    modes = [(part, part.training) for part in module.modules()]
    extra = [
        (part, copy.deepcopy(part.get_extra_state()))
        for part in module.modules()
        if type(part).get_extra_state is not nn.Module.get_extra_state
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, before, gradient in weights:
                parameter.copy_(before)
                parameter.grad = gradient
        buffers.put_back()
        for part, mode in modes:
            part.training = mode
        for part, state in extra:
            part.set_extra_state(state)


@contextmanager
def _generators() -> Iterator[None]:
    ours, of_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(ours)
            np.random.set_state(of_numpy)


@contextmanager
def _position(batches: Batches) -> Iterator[None]:
    before = copy.deepcopy(batches.state_dict())
    try:
        yield
    finally:
        batches.load_state_dict(before)


@contextmanager
def _loader(batches: Batches) -> Iterator[None]:
    """The generators that a `DataLoader` and its sampler carry, and the epoch of the sampler."""
    loader: Any = batches.loader if isinstance(batches, LoaderBatches) else None
    if not isinstance(loader, DataLoader):
        yield
        return
    sampler = loader.sampler
    own = (loader.generator, getattr(sampler, "generator", None))
    states = [(one, one.get_state()) for one in own if isinstance(one, torch.Generator)]
    epoch = sampler.epoch if isinstance(sampler, DistributedSampler) else None
    try:
        yield
    finally:
        for generator, state in states:
            generator.set_state(state)
        if isinstance(sampler, DistributedSampler) and epoch is not None:
            sampler.set_epoch(epoch)
