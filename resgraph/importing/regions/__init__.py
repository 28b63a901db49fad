"""Steps one after another → blocks: paths and the equation that joins them, what they share."""
