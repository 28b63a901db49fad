"""The training loop: net and optimizer → steps, epochs and their metrics."""
