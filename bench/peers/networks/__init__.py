"""The networks that can race, one module each."""

from bench.peers.networks import superpoint

# Each entry: the weights (None for random ones), the input's size and a folder to work in make a
# Network.
NETWORKS = {"superpoint": superpoint.prepare}
