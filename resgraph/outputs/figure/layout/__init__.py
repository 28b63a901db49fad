"""A tree of parts → where each stands, and the ways of the wires."""
