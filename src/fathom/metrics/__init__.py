"""Floor 1: how good answers are, as pure NumPy functions of truth, answer and row weights.

One list of metrics per task names them, says which direction is better and explains each in a
plain sentence. Imports only `fathom.base`.
"""
