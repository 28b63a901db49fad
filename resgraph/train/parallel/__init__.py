"""Many processes and devices: launch, process group, sharding, activation checkpointing."""
