"""A spec's text → Plan: the pipeline, and the narrow waist that every output is given."""

from __future__ import annotations
