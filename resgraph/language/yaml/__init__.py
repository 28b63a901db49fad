"""The text of a file → a tree with places, or where it is no YAML that we read."""
