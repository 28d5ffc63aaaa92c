"""Autoencoders: sizes, learning to give back, odd pictures, and the example of the docs."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from fathom.base.errors import RecipeError
from fathom.base.seeds import torch_generator
from fathom.base.tensors import Batch, Field
from fathom.nets.autoencoder import Autoencoder, AutoencoderShape, Funnel, halvings
from fathom.nets.convolution import Flat
from fathom.nets.vit import Vit, VitShape
from fathom.objectives.objective import Phase
from fathom.objectives.reconstruction import Reconstruction, reconstruction_errors
from fathom.training import OptimizerPlan, TrainingPlan, fit

DOCS = Path(__file__).resolve().parents[2] / "docs" / "autoencoder.md"
SMALL = AutoencoderShape(dim_code=5, widths=(8, 12))


def make(channels: int, height: int, width: int, seed: int = 0, **options: Any) -> Autoencoder:
    return Autoencoder(channels, height, width, SMALL, torch_generator(seed, "net"), **options)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch_generator(seed, "x"))


def blots(num: int, seed: int, side: int = 12) -> Tensor:
    """Soft round blots at any place: a picture of them has two degrees of freedom."""
    place = 2 + (side - 4) * torch.rand(num, 2, 1, 1, generator=torch_generator(seed, "blots"))
    down, right = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    far = (down - place[:, 0]).square() + (right - place[:, 1]).square()
    return 2 * torch.exp(-far / 8)[:, None] - 0.5


@pytest.mark.parametrize("size", [(1, 28, 28), (3, 19, 23), (2, 8, 40), (1, 3, 1)])
def test_a_picture_comes_back_in_its_size(size: tuple[int, int, int]) -> None:
    net = make(*size)
    x = drawn(7, *size)
    assert net.encode(x).shape == (7, 5)
    assert net(x).shape == x.shape
    assert torch.equal(net.eval()(x), net.decode(net.encode(x)))


def test_gradients_reach_every_weight() -> None:
    net = make(3, 11, 14)
    reconstruction_errors(net, drawn(6, 3, 11, 14)).mean().backward()
    for label, weight in net.named_parameters():
        assert weight.grad is not None, label
        assert weight.grad.abs().sum() > 0, label


def test_the_seed_decides_alone() -> None:
    one, two, other = (make(1, 9, 9, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    "encoder", [Flat(1, 12, 12), Vit(1, 12, 12, VitShape(dim=8, depth=1), torch.Generator())]
)
def test_any_network_for_pictures_can_read_them(encoder: Any) -> None:
    net = make(1, 12, 12, encoder=encoder)
    assert net.encoder is encoder
    assert net(drawn(2, 1, 12, 12)).shape == (2, 1, 12, 12)


def test_the_funnel_is_a_network_for_pictures() -> None:
    net = Funnel(1, 13, 9, (4, 6), torch.Generator())
    assert net(drawn(2, 1, 13, 9)).shape == (2, net.dim_out) == (2, 6 * 4 * 3)
    assert net.layers == ("stages.0", "stages.1")
    assert halvings(13, 9, 2) == [(13, 9), (7, 5), (4, 3)]


def test_it_learns_to_give_back_and_odd_pictures_come_back_badly() -> None:
    usual, later = blots(300, 0), blots(100, 1)
    loader = DataLoader(TensorDataset(usual), 30, shuffle=True)
    plan = TrainingPlan(num_steps=200, optimizer=OptimizerPlan(learning_rate=5e-3), check_every=40)
    trained = fit(make(1, 12, 12), loader, Reconstruction(), plan=plan, validation=[[later]])
    with torch.no_grad():
        errors = reconstruction_errors(trained.network, later)
        odd = reconstruction_errors(trained.network, later.roll(6, 0).maximum(later))
    mean = (later - usual.mean(0)).square().flatten(1).mean(1)
    assert errors.mean() < 0.15 * mean.mean()
    assert (odd > errors.quantile(0.95)).float().mean() > 0.8, "two blots were never seen"
    losses = [record["loss"] for record in trained.history]
    assert losses[-1] == pytest.approx(float(errors.mean()), rel=0.3)


# --- the objective


def batch_of(x: Tensor, weight: Tensor | None = None, mask: Tensor | None = None) -> Batch:
    weight = torch.ones(len(x)) if weight is None else weight
    return Batch({"x": Field(x, mask)}, {}, weight, torch.arange(len(x)))


class _Half(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / 2


def test_the_loss_is_the_weighted_mean_of_squares() -> None:
    x = drawn(4, 2, 3, 3)
    squares = (x / 2).square().mean((1, 2, 3))
    found = Reconstruction().loss(_Half(), batch_of(x), Phase()).mean()
    torch.testing.assert_close(found, squares.mean())
    weight = torch.tensor([1.0, 0.0, 2.0, 1.0])
    found = Reconstruction().loss(_Half(), batch_of(x, weight), Phase()).mean()
    torch.testing.assert_close(found, (squares * weight).sum() / 4)
    mask = torch.tensor([True, True, False, False])
    found = Reconstruction().loss(_Half(), batch_of(x, mask=mask), Phase()).mean()
    torch.testing.assert_close(found, squares[:2].mean())


@pytest.mark.parametrize("form", ["alone", "tuple", "with labels", "plain"])
def test_loaders_of_every_form_train_alike(form: str) -> None:
    x = blots(40, 3)
    loader: Any = {
        "alone": DataLoader(TensorDataset(x), 20),
        "tuple": [(x[:20],), (x[20:],)],
        "with labels": DataLoader(TensorDataset(x, torch.arange(40)), 20),
        "plain": [x[:20], x[20:]],
    }[form]
    net, same = make(1, 12, 12), make(1, 12, 12)
    fit(net, loader, Reconstruction(), epochs=2, validation=loader)
    fit(same, [(x[:20],), (x[20:],)], Reconstruction(), epochs=2, validation=loader)
    assert all(
        torch.equal(one, other)
        for one, other in zip(net.parameters(), same.parameters(), strict=True)
    )


def test_other_objectives_still_need_a_target() -> None:
    with pytest.raises(RecipeError, match="not a batch of inputs and target"):
        fit(make(1, 12, 12), [(blots(8, 0),)], nn.functional.mse_loss, epochs=1)


def test_mistakes_are_told() -> None:
    with pytest.raises(RecipeError) as caught:
        fit(nn.Linear(3, 2), [(drawn(5, 3),)], Reconstruction(), epochs=1)
    assert str(caught.value).splitlines() == [
        "The network does not give back what it was given.",
        "  where:    Linear",
        "  expected: a tensor of shape [5, 3]",
        "  got:      shape [5, 2]",
        "  do:       Take a network that ends as it begins, such as an Autoencoder.",
    ]
    x = drawn(5, 3)
    with pytest.raises(RecipeError, match=r"several inputs(.|\n)*got: +2 inputs(.|\n)*Leave"):
        fit(nn.Linear(3, 3), [(x, x, x)], Reconstruction(), epochs=1)
    with pytest.raises(RecipeError, match=r"x, or \(x, y\)(.|\n)*dict"):
        fit(nn.Linear(3, 3), [{"x": x}], Reconstruction(), epochs=1)
    for wrong in ({"dim_code": 0}, {"widths": ()}, {"widths": (0, 3)}):
        with pytest.raises(RecipeError, match="needs a code and at least one stage"):
            AutoencoderShape(**wrong)


def test_the_example_of_the_docs_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    exec(compile(code, str(DOCS), "exec"), {})
    said = capsys.readouterr().out
    share = re.search(r"(\d+)% of the odd ones", said)
    assert share is not None
    assert int(share[1]) > 90
