"""Blocks that are one block to a person: parts of one that are another, parts that some lack."""
