"""A file of weights from elsewhere → a net with these weights, each entry accounted for."""
