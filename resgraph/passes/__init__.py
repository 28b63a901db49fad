"""Spec → Graph, and Graph → Graph or facts: one file per pass."""
