"""fastai's vision learner: a resnet18 from scratch, one cycle, its usual pictures and batches.

Why two operators are declared first: see `benchmarks/tables/peers/fastai_tabular.py`.
"""

import os

import torch

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from fastai.vision.all import (  # noqa: E402
    Callback,
    CategoryBlock,
    DataBlock,
    ImageBlock,
    IndexSplitter,
    PILImageBW,
    accuracy,
    resnet18,
    set_seed,
    vision_learner,
)

from benchmarks.pictures.peers.fashion import arrays, tell  # noqa: E402

EPOCHS = 5


class Tell(Callback):
    """The accuracy on the test pictures after every epoch."""

    order = 60  # behind the recorder, which has it

    def after_epoch(self) -> None:
        tell(self.epoch + 1, float(self.recorder.final_record[-1]))


def main() -> None:
    """Train and tell."""
    set_seed(int(os.environ.get("FATHOM_BENCH_SEED", "0")), reproducible=True)
    x, y, x_test, y_test = arrays()
    # By number: of a row that is a tuple fastai would change each part by itself.
    pictures, classes = [*x, *x_test], [*y.tolist(), *y_test.tolist()]
    block = DataBlock(
        blocks=(ImageBlock(PILImageBW), CategoryBlock),
        get_x=lambda number: pictures[number],
        get_y=lambda number: classes[number],
        splitter=IndexSplitter(range(len(x), len(pictures))),
    )
    loaders = block.dataloaders(range(len(pictures)), num_workers=0)
    learner = vision_learner(loaders, resnet18, pretrained=False, n_in=1, metrics=accuracy)
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(EPOCHS, 3e-3, cbs=Tell())


if __name__ == "__main__":
    main()
