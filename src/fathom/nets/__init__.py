"""Floor 2: known architectures, tensors in and tensors out.

May import `base` and the bricks of floor 1. Knows nothing of columns, tables or tasks.
"""
