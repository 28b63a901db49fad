"""Padding at the bottom and at the right, and a pool that learns: ops that a package brings."""
