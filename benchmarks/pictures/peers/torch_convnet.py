"""A plain PyTorch convnet in fp32, as the MNIST example of PyTorch has it, with its loop."""

import os

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.pictures.peers.fashion import arrays, tell

EPOCHS, BATCH = 14, 64


def network() -> nn.Sequential:
    """Two convolutions, pooling, dropout, two layers."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def main() -> None:
    """Train and tell the accuracy after every epoch."""
    torch.manual_seed(int(os.environ.get("FATHOM_BENCH_SEED", "0")))
    x, y, x_test, y_test = arrays()
    x, x_test = (torch.tensor(part)[:, None].float() / 255 for part in (x, x_test))
    y, y_test = (torch.tensor(part).long() for part in (y, y_test))
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for epoch in range(EPOCHS):
        net.train()
        for batch, target in DataLoader(TensorDataset(x, y), BATCH, shuffle=True):
            optimizer.zero_grad()
            cross_entropy(net(batch), target).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            right = sum((net(x_test[at : at + 1000]).argmax(1) == y_test[at : at + 1000]).sum()
                        for at in range(0, len(x_test), 1000))  # fmt: skip
        tell(epoch + 1, float(right) / len(x_test))


if __name__ == "__main__":
    main()
