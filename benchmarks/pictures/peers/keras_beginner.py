"""The three-layer classifier of the Keras tutorials, on JAX."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import time

import keras

from benchmarks.pictures.peers.fashion import arrays, tell


def main() -> None:
    """Five epochs, batches of 32, as the tutorial has it."""
    keras.utils.set_random_seed(int(os.environ.get("FATHOM_BENCH_SEED", "0")))
    x, y, x_test, y_test = arrays()
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    before = time.perf_counter()
    model.fit(x / 255.0, y, epochs=5, verbose=0)
    training = time.perf_counter() - before
    _, accuracy = model.evaluate(x_test / 255.0, y_test, verbose=0)
    tell(5, float(accuracy), training)


if __name__ == "__main__":
    main()
