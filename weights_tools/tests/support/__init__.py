"""What several tests share: stand-ins for hewn, public checkpoints, tensors and their distance."""
