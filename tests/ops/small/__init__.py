"""A package of one's own that brings ops to resgraph, good ones and broken ones."""
