"""`weights:` of a recipe → a net that starts from them, each tensor accounted for."""
