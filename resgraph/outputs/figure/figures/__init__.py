"""The figures: overview, comparison, detail and partial, with what stands around them."""
