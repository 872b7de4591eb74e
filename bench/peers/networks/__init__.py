"""The networks that can race, one module each."""

from bench.peers.networks import completion, raft, superpoint

NETWORKS = {
    "superpoint": superpoint.ENTRANT,
    "raft": raft.LARGE_ENTRANT,
    "raft-small": raft.SMALL_ENTRANT,
    "completion": completion.ENTRANT,
}
