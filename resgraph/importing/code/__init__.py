"""What models are as code: what torch.export follows of it, and how large their images are."""
