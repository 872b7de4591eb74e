"""Turns public PyTorch checkpoints into the safetensors files that hewn reads."""
