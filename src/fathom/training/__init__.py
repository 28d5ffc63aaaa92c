"""Floor 6: the loop, optimisers, schedules, the numerical plan, checkpoints.

May import everything below; knows tables only as an iterable of batches.
"""
