"""fastai's tabular learner: its three preparations, its default network, one cycle.

fastai imports torchvision, whose wheels carry CUDA kernels and do not register their operators
beside a CPU build of PyTorch. Tables call none of them, so two are declared (without any kernel)
before fastai is imported; nothing else of fastai is touched.
"""

import torch

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import pandas as pd  # noqa: E402
from fastai.tabular.all import (  # noqa: E402
    Categorify,
    CategoryBlock,
    FillMissing,
    Normalize,
    RegressionBlock,
    SaveModelCallback,
    TabularDataLoaders,
    set_seed,
    tabular_learner,
)

from benchmarks.tables.peers.common import Answer, Table, main  # noqa: E402

NUM_EPOCHS = 20


def fit_and_predict(table: Table) -> Answer:
    """A fifth of the training rows is held out, as fastai does; a number target is standardised."""
    torch.set_num_threads(table.threads)
    set_seed(table.seed, reproducible=True)
    mean, deviation = 0.0, 1.0
    train = table.train.copy()
    if table.classification:
        train["__target__"] = table.target
    else:
        mean, deviation = table.target.mean(), table.target.std()
        train["__target__"] = ((table.target - mean) / deviation).astype("float32")
    learner = _learner(train, table)
    with learner.no_bar(), learner.no_logging():
        rate = learner.lr_find(show_plot=False).valley
        # The epoch that was best on the held-out rows is kept: a long cycle can overfit.
        learner.fit_one_cycle(NUM_EPOCHS, rate, cbs=SaveModelCallback())
        loader = learner.dls.test_dl(_same_gaps(table), bs=512)
        prediction, _ = learner.get_preds(dl=loader)
    facts = {"num_epochs": NUM_EPOCHS, "learning_rate": float(rate)}
    if table.classification:
        return Answer(prediction.numpy(), list(learner.dls.vocab), facts)
    return Answer(prediction.numpy()[:, 0] * deviation + mean, facts=facts)


def _learner(train: pd.DataFrame, table: Table):
    loaders = TabularDataLoaders.from_df(
        train,
        procs=[Categorify, FillMissing, Normalize],
        cat_names=list(table.categories),
        cont_names=list(table.numbers),
        y_names="__target__",
        y_block=CategoryBlock() if table.classification else RegressionBlock(),
        # The last batch is dropped when it is not full: it must not be the only one.
        bs=min(64, len(train) // 8),
        seed=table.seed,
    )
    return tabular_learner(loaders)


def _same_gaps(table: Table) -> pd.DataFrame:
    """Test rows without gaps in columns that were whole in training: fastai refuses those."""
    test = table.test.copy()
    for name in table.numbers:
        if table.train[name].notna().all():
            test[name] = test[name].fillna(table.train[name].median())
    return test


if __name__ == "__main__":
    main(fit_and_predict, ["fastai", "torch", "pandas", "numpy"])
