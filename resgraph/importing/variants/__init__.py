"""Several specs that were imported → one file with a variant for each."""
