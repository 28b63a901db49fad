"""What torch.export follows of a model's code, and what its graph is then without."""
