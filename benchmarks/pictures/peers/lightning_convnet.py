"""The plain PyTorch convnet trained by Lightning, as its guide has it."""

import os
import warnings
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.pictures.peers.fashion import arrays, tell
from benchmarks.pictures.peers.torch_convnet import BATCH, EPOCHS, network


class Convnet(lightning.LightningModule):
    """Loss, optimiser and accuracy of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network()
        self.right = self.seen = 0

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        return cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], number: int) -> None:
        self.right += int((self.net(batch[0]).argmax(1) == batch[1]).sum())
        self.seen += len(batch[1])

    def on_validation_epoch_end(self) -> None:
        tell(self.current_epoch + 1, self.right / self.seen)
        self.right = self.seen = 0

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), 1e-3)


def main() -> None:
    """Train and tell the accuracy after every epoch."""
    warnings.simplefilter("ignore")  # about workers of loaders, which cost more than they bring
    lightning.seed_everything(int(os.environ.get("FATHOM_BENCH_SEED", "0")), verbose=False)
    x, y, x_test, y_test = arrays()
    x, x_test = (torch.tensor(part)[:, None].float() / 255 for part in (x, x_test))
    y, y_test = (torch.tensor(part).long() for part in (y, y_test))
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(
        Convnet(),
        DataLoader(TensorDataset(x, y), BATCH, shuffle=True),
        DataLoader(TensorDataset(x_test, y_test), 1000),
    )


if __name__ == "__main__":
    main()
