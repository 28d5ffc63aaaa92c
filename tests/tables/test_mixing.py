"""Mixed pictures: who with whom, how much, and what it does to the loss."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import beta, kstest
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from fathom.base.tensors import Batch, Field
from fathom.heads.category import CategoryHead
from fathom.heads.number import NumberHead
from fathom.objectives.objective import Phase
from fathom.objectives.supervised import Supervised
from fathom.tables.batches import ResidentBatches, RowExamples
from fathom.tables.mixing import Mixing

NUM = 53


def batch_of(num: int = NUM, shape: tuple[int, ...] = (3, 7, 11), step: int = 4) -> Batch:
    """Pictures of one tone each, the example's number."""
    example = torch.arange(num)
    pixels = example.remainder(251).to(torch.uint8).reshape(-1, 1, 1, 1).expand(num, *shape)
    targets = {"target_0": Field(example % 5, example % 4 != 0)}
    return Batch({"image_0": Field(pixels)}, targets, 1 + example.float(), example, step)


def partners(mixed: Batch) -> Tensor:
    assert mixed.mixed is not None
    return mixed.mixed.weight.long() - 1


def test_nothing_said_mixes_nothing() -> None:
    batch = batch_of()
    assert Mixing().apply(batch, 0) is batch
    assert not Mixing()


def test_everyone_is_partner_once_and_nobody_its_own() -> None:
    found = partners(Mixing(mixup=1.0).apply(batch_of(), 0))
    assert sorted(found.tolist()) == list(range(NUM))
    assert bool((found != torch.arange(NUM)).all())
    others = [Mixing(mixup=1.0).apply(batch_of(step=5), 0), Mixing(mixup=1.0).apply(batch_of(), 1)]
    assert all(not torch.equal(partners(other), found) for other in others)


@pytest.mark.parametrize("plan", [Mixing(mixup=0.4), Mixing(cutmix=1.0), Mixing(mixup=1, cutmix=1)])
def test_what_is_drawn_belongs_to_example_seed_and_step(plan: Mixing) -> None:
    """Not to the place in the batch."""
    one = plan.apply(batch_of(), 3)
    order = torch.randperm(NUM, generator=torch.Generator().manual_seed(0))
    two = plan.apply(batch_of().rows(order), 3)
    assert one.mixed is not None
    assert two.mixed is not None
    assert torch.equal(one.inputs["image_0"].data[order], two.inputs["image_0"].data)
    assert torch.equal(one.mixed.share[order], two.mixed.share)
    assert torch.equal(one.mixed.weight[order], two.mixed.weight)
    assert torch.equal(
        one.mixed.targets["target_0"].data[order], two.mixed.targets["target_0"].data
    )


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_are_distributed_as_beta(alpha: float) -> None:
    mixed = Mixing(mixup=alpha).apply(batch_of(5000, (1, 2, 2)), 0).mixed
    assert mixed is not None
    assert kstest(mixed.share.numpy(), beta(alpha, alpha).cdf).pvalue > 0.01


def test_a_blend_is_the_mean_by_shares() -> None:
    mixed = Mixing(mixup=1.0).apply(batch_of(), 0)
    assert mixed.mixed is not None
    share = mixed.mixed.share
    tone = share * torch.arange(NUM) + (1 - share) * partners(mixed)
    found = mixed.inputs["image_0"].data
    assert found.dtype == torch.uint8
    assert bool((found == found[:, :1, :1, :1]).all())
    assert torch.equal(found[:, 0, 0, 0], tone.round().to(torch.uint8))


@pytest.mark.parametrize("shape", [(3, 7, 11), (1, 1, 1), (1, 32, 5)])
def test_the_share_of_a_cut_is_its_area(shape: tuple[int, ...]) -> None:
    mixed = Mixing(cutmix=1.0).apply(batch_of(200, shape), 0)
    assert mixed.mixed is not None
    found, own = mixed.inputs["image_0"].data.long(), torch.arange(200).reshape(-1, 1, 1, 1)
    other = partners(mixed).reshape(-1, 1, 1, 1)
    assert bool(((found == own) | (found == other)).all())
    kept = (found == own).float().mean((1, 2, 3))
    assert torch.allclose(kept, mixed.mixed.share, atol=1e-6)
    for cut in (found != own)[:, 0]:  # a rectangle: the rows with a hole times the columns
        assert torch.equal(cut, cut.any(1)[:, None] & cut.any(0)[None])
    if shape[1] > 5:
        assert kept.std() > 0.2
        places = (found != own)[:, 0].float().mean(0)
        assert places.min() > 0.15  # holes come everywhere


def test_with_both_half_are_blended_and_half_are_cut() -> None:
    mixed = Mixing(mixup=1.0, cutmix=1.0).apply(batch_of(1000, (1, 9, 9)), 0)
    found = mixed.inputs["image_0"].data.flatten(1).long()
    pure = ((found == torch.arange(1000).remainder(251)[:, None]).any(1)) & (
        found.amin(1) != found.amax(1)
    )
    assert 0.35 < pure.float().mean() < 0.55


def test_a_missing_picture_is_mixed_with_nothing() -> None:
    batch = batch_of()
    there = torch.arange(NUM) % 3 != 0
    batch = replace(batch, inputs={"image_0": Field(batch.inputs["image_0"].data, there)})
    for plan in (Mixing(mixup=1.0), Mixing(cutmix=1.0)):
        mixed = plan.apply(batch, 0)
        assert mixed.mixed is not None
        alone = ~there | ~there[partners(mixed)]
        assert bool((mixed.mixed.share[alone] == 1).all())
        assert bool((mixed.mixed.share[~alone] < 1).any())
        own = batch.inputs["image_0"].data
        assert torch.equal(mixed.inputs["image_0"].data[alone], own[alone])
        assert mixed.inputs["image_0"].mask is there


def test_one_picture_is_mixed_with_itself() -> None:
    batch = batch_of(1)
    mixed = Mixing(mixup=1.0, cutmix=1.0).apply(batch, 0)
    assert torch.equal(mixed.inputs["image_0"].data, batch.inputs["image_0"].data)


class _Net(nn.Module):
    """What comes out depends on the mean of a picture."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({"target_0": head})
        self.out = nn.Parameter(torch.linspace(-1, 1, 5))

    def forward(self, inputs: dict[str, Field], teacher: object = None) -> dict[str, Tensor]:
        mean = inputs["image_0"].data.float().mean((1, 2, 3))[:, None] / 50
        width = 1 if isinstance(self.heads["target_0"], NumberHead) else 5
        return {"target_0": mean * self.out[:width] + self.out[0]}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_classes_is_that_of_soft_targets(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(0)
    head = CategoryHead(3, 5, None, generator, label_smoothing=smoothing)
    batch = Mixing(mixup=1.0).apply(replace(batch_of(), weight=torch.ones(NUM)), 0)
    batch = replace(batch, targets={"target_0": Field(batch.example % 5)})
    assert batch.mixed is not None
    # Who was mixed with whom, from weights that tell the examples apart.
    other = partners(Mixing(mixup=1.0).apply(batch_of(), 0))
    mixed = replace(batch.mixed, targets={"target_0": Field(other % 5)})
    net = _Net(head)
    found = Supervised().loss(net, replace(batch, mixed=mixed), Phase()).mean()
    share = mixed.share[:, None]
    soft = share * one_hot(batch.example % 5, 5) + (1 - share) * one_hot(other % 5, 5)
    logits = net(batch.inputs)["target_0"]
    wanted = cross_entropy(logits, soft, label_smoothing=smoothing)
    assert torch.allclose(found, wanted)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_weights_and_missing_targets_count_by_their_shares(kind: str) -> None:
    """As if each example stood there twice, with its own target and with its partner's."""
    generator = torch.Generator().manual_seed(0)
    head = (
        CategoryHead(3, 5, None, generator)
        if kind == "classes"
        else NumberHead(3, None, "mean_squared_error", generator)
    )
    batch = batch_of()
    if kind == "numbers":
        number = torch.where(batch.example % 4 != 0, batch.example / 7, torch.nan)
        batch = replace(batch, targets={"target_0": Field(number, batch.example % 4 != 0)})
    mixed = Mixing(cutmix=1.0).apply(batch, 0)
    assert mixed.mixed is not None
    net, share, other = _Net(head), mixed.mixed.share, partners(mixed)
    logits = net(mixed.inputs)["target_0"]
    total = count = torch.zeros(())
    for row in range(NUM):
        for who, part in ((row, share[row]), (int(other[row]), 1 - share[row])):
            if who % 4 == 0:
                continue
            if kind == "classes":
                loss = cross_entropy(logits[row : row + 1], torch.tensor([who % 5]))
            else:
                loss = (logits[row, 0] - who / 7) ** 2
            total, count = total + part * (who + 1) * loss, count + part * (who + 1)
    found = Supervised().loss(net, mixed, Phase())
    assert torch.allclose(found.mean(), total / count)
    assert torch.allclose(found.parts["target_0"][1], count)
    pieces = [mixed.rows(slice(0, 20)), mixed.rows(slice(20, 41)), mixed.rows(slice(41, NUM))]
    parts = [Supervised().loss(net, piece.to(torch.device("cpu")), Phase()) for piece in pieces]
    assert torch.allclose((parts[0] + parts[1] + parts[2]).mean(), found.mean())


def test_batches_of_rows_are_mixed_as_a_whole_and_alike_when_resumed() -> None:
    batch = batch_of()
    examples = RowExamples(batch.inputs, batch.targets, batch.weight, mixing=Mixing(mixup=1.0))
    first = [one for one, _ in zip(ResidentBatches(examples, 20, 0), range(5), strict=False)]
    resumed = ResidentBatches(examples, 20, 0)
    resumed.position = 4
    again = next(iter(resumed))
    assert torch.equal(again.inputs["image_0"].data, first[4].inputs["image_0"].data)
    for one in first:
        assert set(partners(one).tolist()) == set(one.example.tolist())
