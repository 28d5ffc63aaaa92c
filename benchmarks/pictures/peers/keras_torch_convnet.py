"""The simple convnet of the Keras guides on the other backend, PyTorch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

from benchmarks.pictures.peers.keras_convnet import main

if __name__ == "__main__":
    main()
