"""Plans → the table of the ResNet paper (Table 1), as text, Markdown, LaTeX, CSV or JSON.

Several plans are columns of one table, side by side where rows have the same name."""
