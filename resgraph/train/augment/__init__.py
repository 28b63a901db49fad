"""What is done to images of a batch before the net sees them, by counters and not by state."""
