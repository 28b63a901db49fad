"""A graph and a view → the tree of parts that a figure shows."""
