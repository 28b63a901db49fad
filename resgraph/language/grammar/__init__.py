"""The grammar of labels, equations, paths and blocks: it accepts, or says where it cannot."""
