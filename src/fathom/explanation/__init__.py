"""Floor 7: why a model answers as it does, with a measure of how sure that is.

May import everything below; never from a package on its own floor.
"""
