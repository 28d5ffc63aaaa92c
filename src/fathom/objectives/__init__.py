"""Floor 5: how a network learns from a batch, whatever the network.

May import `base`, floor 1 and, for their types, the floors below.
"""
