"""What was meant by what the grammar does not accept; asked on failure only."""
