"""A recipe and a machine → what is chosen for them: precision, memory, compilation, backends."""
