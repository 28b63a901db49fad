"""A run's directory: checkpoints, metrics, result, progress, and the list of runs."""
