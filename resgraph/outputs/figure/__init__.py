"""A plan → a figure: SVG, and from the same layout HTML, TikZ, PDF and PNG."""
