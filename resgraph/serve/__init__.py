"""A spec's file → a page on this machine that shows its figure, shapes, costs and mistakes while it
is written."""
