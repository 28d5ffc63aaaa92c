"""The same convnet by somebody who knows the machine: everything resident, bf16, one cycle.

Larger batches gathered from memory in place of a loader, channels last, a fused optimiser.
"""

import os

import torch
from torch.nn.functional import cross_entropy

from benchmarks.pictures.peers.fashion import arrays, tell
from benchmarks.pictures.peers.torch_convnet import network

EPOCHS, BATCH, RATE = 14, 256, 3e-3


def main() -> None:
    """Train and tell the accuracy after every epoch."""
    torch.manual_seed(int(os.environ.get("FATHOM_BENCH_SEED", "0")))
    torch.set_flush_denormal(True)
    x, y, x_test, y_test = arrays()
    x, x_test = (torch.tensor(part)[:, None] for part in (x, x_test))
    y, y_test = (torch.tensor(part).long() for part in (y, y_test))
    net = network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), RATE, fused=True)
    num_steps = -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, epochs=EPOCHS, steps_per_epoch=num_steps
    )
    for epoch in range(EPOCHS):
        net.train()
        for index in torch.randperm(len(x)).split(BATCH):
            loss = cross_entropy(_asked(net, x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        net.eval()
        with torch.no_grad():
            parts = zip(x_test.split(500), y_test.split(500), strict=True)
            right = sum((_asked(net, part).argmax(1) == truth).sum() for part, truth in parts)
        tell(epoch + 1, float(right) / len(x_test))


def _asked(net: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        x = (pixels.bfloat16() / 255).contiguous(memory_format=torch.channels_last)
        return net(x).float()


if __name__ == "__main__":
    main()
