"""Floor 3: reading data into tables, their schema, splits, examples and batches.

May import from `base`, `columns`, `layers`, `losses`, `metrics` and `nets`; never from `encoders`
or `heads`, which stand on the same floor.
"""
