"""The networks that can race, one module each."""

from bench.peers.networks import clip, completion, raft, superpoint

NETWORKS = {
    "superpoint": superpoint.ENTRANT,
    "raft": raft.LARGE_ENTRANT,
    "raft-small": raft.SMALL_ENTRANT,
    "completion": completion.ENTRANT,
    "clip-image": clip.IMAGE_ENTRANT,
    "clip-text": clip.TEXT_ENTRANT,
}
