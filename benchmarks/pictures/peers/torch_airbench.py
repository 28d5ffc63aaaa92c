"""The CIFAR-10 speed recipe of arXiv 2404.00498 (airbench94) in plain PyTorch, from the paper.

Precision and layout are the processor's best (bf16, channels last); on a GPU as in the paper, but
without compilation. FATHOM_BENCH_CIFAR names another folder with train.parquet and test.parquet;
FATHOM_BENCH_EPOCHS another length.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, pad

from benchmarks.pictures.peers.fashion import tell

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
EPOCHS = float(os.environ.get("FATHOM_BENCH_EPOCHS", "9.9"))
BATCH, SHIFT, MOMENTUM = 1024, 2, 0.85
# Learning rate and decay for 1,024 examples, torch's SGD being told the step of one.
RATE, DECAY, OF_BIASES = 11.5, 0.0153, 64.0
WIDTHS = (64, 256, 256)
MEAN = torch.tensor([0.4914, 0.4822, 0.4465])
DEVIATION = torch.tensor([0.2470, 0.2435, 0.2616])


def pictures(part: str) -> tuple[Tensor, Tensor]:
    """Standardised pictures, channels last, and labels."""
    folder = Path(os.environ["FATHOM_DATA"]) / "cifar10_jpg"
    table = pl.read_parquet(Path(os.environ.get("FATHOM_BENCH_CIFAR", folder)) / f"{part}.parquet")
    decoded = [np.asarray(Image.open(io.BytesIO(one)).convert("RGB")) for one in table["image"]]
    x = (torch.from_numpy(np.stack(decoded)).float() / 255 - MEAN) / DEVIATION
    y = torch.tensor(table["class"].cast(pl.String).rank("dense").to_numpy() - 1).long()
    return x.permute(0, 3, 1, 2).to(DEVICE), y.to(DEVICE)


class Block(nn.Module):
    """Convolution, pooling, norm and bend, twice, pooled once."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = convolution(inputs, outputs), convolution(outputs, outputs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs, 1e-12, 0.4) for _ in range(2))
        for norm in self.norms:
            assert isinstance(norm, nn.BatchNorm2d)
            norm.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Half as high and wide."""
        x = gelu(self.norms[0](nn.functional.max_pool2d(self.first(x), 2)))
        return gelu(self.norms[1](self.second(x)))


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Its first filters hand the channels on as they are."""
    layer = nn.Conv2d(inputs, outputs, 3, padding="same", bias=False)
    nn.init.dirac_(layer.weight.data[:inputs])
    return layer


class Network(nn.Module):
    """Whitened patches, three blocks, ten logits."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.data[:] = whitening(x)
        self.whiten.weight.requires_grad_(False)
        nn.init.zeros_(self.whiten.bias)  # pyright: ignore[reportArgumentType]
        widths = (24, *WIDTHS)
        self.blocks = nn.Sequential(*map(Block, widths[:-1], widths[1:]))
        self.head = nn.Linear(WIDTHS[-1], 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, a ninth as large as the head gives them."""
        x = self.blocks(gelu(self.whiten(x)))
        return self.head(nn.functional.max_pool2d(x, 3).flatten(1)) / 9


def whitening(x: Tensor) -> Tensor:
    """Directions of 2 x 2 patches, scaled until their answers vary by 1, and their opposites."""
    patches = x[:5000].unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    scaled = (vectors / (values + 5e-4).sqrt()).T.flip(0).reshape(12, 3, 2, 2)
    return torch.cat([scaled, -scaled])


def batches(x: Tensor, y: Tensor, epoch: int, flipped: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch: every second one mirrors what the one before did not."""
    order = torch.randperm(len(x), device=x.device)
    for at in range(0, len(x) - BATCH + 1, BATCH):
        chosen = order[at : at + BATCH]
        part, turn = pad(x[chosen], (SHIFT,) * 4, "reflect"), flipped[chosen] ^ (epoch % 2 == 1)
        part = torch.where(turn[:, None, None, None], part.flip(-1), part)
        yield shifted(part), y[chosen]


def shifted(padded: Tensor) -> Tensor:
    """Each picture cut out at a place of its own."""
    size = padded.shape[-1] - 2 * SHIFT
    found = padded.new_empty(len(padded), 3, size, size)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, len(padded)), device=padded.device)
    for i in range(2 * SHIFT + 1):
        for j in range(2 * SHIFT + 1):
            here = (down == i) & (right == j)
            found[here] = padded[here, :, i : i + size, j : j + size]
    return found


def optimizer_of(net: Network) -> torch.optim.Optimizer:
    """Nesterov's momentum; the decay does not follow the rate of the biases."""
    a_kilostep = 1024 * (1 + 1 / (1 - MOMENTUM))
    rate, decay = RATE / a_kilostep, DECAY * BATCH / a_kilostep
    learning = [(name, one) for name, one in net.named_parameters() if one.requires_grad]
    of_norms = [one for name, one in learning if "norms" in name]
    others = [one for name, one in learning if "norms" not in name]
    groups = [
        {"params": of_norms, "lr": rate * OF_BIASES, "weight_decay": decay / (rate * OF_BIASES)},
        {"params": others, "lr": rate, "weight_decay": decay / rate},
    ]
    return torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True)


def pace(step: int, steps: int) -> float:
    """Up from a fifth until 23 % of the steps, then down to 0.07."""
    top = int(0.23 * steps)
    return 0.2 + 0.8 * step / top if step < top else 1 - 0.93 * (step - top) / (steps - top)


class Lookahead:
    """A slow copy that moves towards the network, and gives it its place, every five steps."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.slow = {k: v.clone() for k, v in net.state_dict().items()}

    def update(self, keep: float) -> None:
        """Keep so much of the slow copy."""
        for name, fast in self.net.state_dict().items():
            if fast.is_floating_point():
                slow = self.slow[name]
                slow.lerp_(fast, 1 - keep)
                fast.copy_(slow)


@torch.no_grad()
def accuracy(net: Network, x: Tensor, y: Tensor) -> float:
    """With the mirrored picture and, for half of the weight, pictures moved by one pixel."""
    net.eval()
    right = 0
    for at in range(0, len(x), 1000):
        part = x[at : at + 1000]
        wide = pad(part, (1,) * 4, "reflect")
        views = [(part, 0.5), (wide[:, :, :-2, :-2], 0.25), (wide[:, :, 2:, 2:], 0.25)]
        with torch.autocast(DEVICE, torch.bfloat16):
            logits = sum(w * (net(v) + net(v.flip(-1))).float() for v, w in views)
        assert isinstance(logits, Tensor)
        right += int((logits.argmax(1) == y[at : at + 1000]).sum())
    net.train()
    return right / len(x)


def main() -> None:
    """Train, and tell the accuracy after every fifth epoch and at the end."""
    torch.manual_seed(int(os.environ.get("FATHOM_BENCH_SEED", "0")))
    (x, y), (x_test, y_test) = pictures("train"), pictures("test")
    net = Network(x).to(DEVICE, memory_format=torch.channels_last)
    optimizer, lookahead = optimizer_of(net), Lookahead(net)
    starts = [group["lr"] for group in optimizer.param_groups]
    steps, step = int(EPOCHS * (len(x) // BATCH)), 0
    flipped, epoch = torch.rand(len(x), device=DEVICE) < 0.5, 0
    while step < steps:
        for part, target in batches(x, y, epoch, flipped):
            assert net.whiten.bias is not None
            net.whiten.bias.requires_grad_(epoch < 3)
            for group, start in zip(optimizer.param_groups, starts, strict=True):
                group["lr"] = start * pace(step, steps)
            with torch.autocast(DEVICE, torch.bfloat16):
                logits = net(part.contiguous(memory_format=torch.channels_last))
            cross_entropy(logits.float(), target, label_smoothing=0.2, reduction="sum").backward()
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if step % 5 == 0:
                lookahead.update(0.95**5 * (step / steps) ** 3)
            if step == steps:
                lookahead.update(1.0)
                break
        epoch += 1
        if epoch % 5 == 0 or step == steps:
            tell(epoch, accuracy(net, x_test, y_test))


if __name__ == "__main__":
    main()
