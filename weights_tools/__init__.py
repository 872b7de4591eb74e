"""Python beside the runtime: convert PyTorch checkpoints, define the reference networks, audit."""
