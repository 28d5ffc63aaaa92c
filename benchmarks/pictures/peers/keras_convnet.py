"""The simple convnet of the Keras guides, on JAX: two convolutions with pooling, dropout."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from benchmarks.pictures.peers.fashion import arrays, tell

EPOCHS, BATCH = 15, 128


class Tell(keras.callbacks.Callback):
    """Scores the test pictures after every epoch."""

    def __init__(self, x: object, y: object) -> None:
        super().__init__()
        self.x, self.y = x, y

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        _, accuracy = self.model.evaluate(self.x, self.y, batch_size=1000, verbose=0)
        tell(epoch + 1, float(accuracy))


def main() -> None:
    """Train and tell."""
    keras.utils.set_random_seed(int(os.environ.get("FATHOM_BENCH_SEED", "0")))
    x, y, x_test, y_test = arrays()
    x, x_test = (part[..., None].astype("float32") / 255 for part in (x, x_test))
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[Tell(x_test, y_test)])


if __name__ == "__main__":
    main()
