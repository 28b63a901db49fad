"""A scene or a plan → a file: SVG, PDF, PNG, TikZ, Mermaid, DOT, HTML."""
