"""Padding at the bottom and at the right: an op that a package of one's own brings to resgraph."""
