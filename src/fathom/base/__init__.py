"""Floor 0: errors, plain records, tensors that travel, seeds, files, the machine.

Imports nothing of ours. Everything above may import it.
"""
