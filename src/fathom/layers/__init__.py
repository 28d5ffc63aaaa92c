"""Floor 1: bricks of networks, each chosen by one word: activation, normalisation, dropout, …

A brick takes tensors and gives tensors and knows no column and no task. Imports only
`fathom.base`.
"""
