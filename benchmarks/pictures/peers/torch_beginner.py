"""The first PyTorch program of most people: 784-128-10, every picture made ready by itself."""

import os
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from benchmarks.pictures.peers.fashion import arrays, tell

EPOCHS, BATCH = 5, 64


class Pictures(Dataset[tuple[Tensor, int]]):
    """What ToTensor and Normalize do to a picture each time it is asked for."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        pixels = torch.from_numpy(self.x[place].copy())[None].float().div(255)
        return (pixels - 0.1307) / 0.3081, int(self.y[place])


def main() -> None:
    """Train, then tell the accuracy and the seconds of the training."""
    torch.manual_seed(int(os.environ.get("FATHOM_BENCH_SEED", "0")))
    x, y, x_test, y_test = arrays()
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    before = time.perf_counter()
    for _ in range(EPOCHS):
        for batch, target in DataLoader(Pictures(x, y), BATCH, shuffle=True):
            optimizer.zero_grad()
            cross_entropy(net(batch), target).backward()
            optimizer.step()
    training = time.perf_counter() - before
    right = 0
    with torch.no_grad():
        for batch, target in DataLoader(Pictures(x_test, y_test), 1000):
            right += int((net(batch).argmax(1) == target).sum())
    tell(EPOCHS, right / len(x_test), training)


if __name__ == "__main__":
    main()
