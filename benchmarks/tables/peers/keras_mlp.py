"""A multilayer perceptron in Keras on JAX, as its guides would have one build it.

Keras has no recipe for tables, so the choices are ours: two layers of 256 with ReLU and dropout,
Adam, a tenth of the training rows held out, stopping when they no longer improve.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"
threads = os.environ.get("FATHOM_BENCH_THREADS", "1")
if threads == "1":  # XLA does not listen to OMP_NUM_THREADS
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import keras  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.tables.peers.common import Answer, Table, main  # noqa: E402
from benchmarks.tables.peers.preparation import prepare  # noqa: E402

MAX_EPOCHS = 200
PATIENCE = 15


def fit_and_predict(table: Table) -> Answer:
    """Both inputs and a regression target are standardised."""
    keras.utils.set_random_seed(table.seed)
    preparation = prepare(table, sparse=False)
    x = preparation.fit_transform(table.train).astype("float32")
    x_test = preparation.transform(table.test).astype("float32")
    if table.classification:
        classes, y = np.unique(table.target, return_inverse=True)
        model, epochs = _fit(x, y, keras.layers.Dense(len(classes), activation="softmax"),
                             "sparse_categorical_crossentropy")  # fmt: skip
        return Answer(model.predict(x_test, verbose=0), classes, {"num_epochs": epochs})
    mean, deviation = table.target.mean(), table.target.std()
    y = ((table.target - mean) / deviation).astype("float32")
    model, epochs = _fit(x, y, keras.layers.Dense(1), "mean_squared_error")
    prediction = model.predict(x_test, verbose=0)[:, 0] * deviation + mean
    return Answer(prediction, facts={"num_epochs": epochs})


def _fit(x: np.ndarray, y: np.ndarray, last: keras.Layer, loss: str) -> tuple[keras.Model, int]:
    hidden = [
        layer
        for _ in range(2)
        for layer in (keras.layers.Dense(256, activation="relu"), keras.layers.Dropout(0.1))
    ]
    model = keras.Sequential([keras.Input((x.shape[1],)), *hidden, last])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    # Keras holds out the last rows as they stand in the file; sorted files would mislead it.
    order = np.random.default_rng(0).permutation(len(x))
    history = model.fit(
        x[order],
        y[order],
        batch_size=min(256, max(16, len(x) // 32)),
        epochs=MAX_EPOCHS,
        validation_split=0.1,
        callbacks=[keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)],
        verbose=0,
    )
    return model, len(history.epoch)


if __name__ == "__main__":
    main(fit_and_predict, ["keras", "jax", "scikit-learn", "pandas", "numpy"])
