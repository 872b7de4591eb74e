"""One module for each peer, named after its package, with a class Session that runs a model.

A process of its own imports just one of them, so that a peer's memory is the peer's alone.
"""
