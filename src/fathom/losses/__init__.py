"""Floor 1: losses as pure functions, one number per example and never a mean, and penalties.

Logits go in, fp32 comes out; weighting and summing are left to the caller. Imports only
`fathom.base`.
"""
