"""Plan → something to look at, keep or run; none of these imports another."""
