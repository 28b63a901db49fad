"""A study file → nets over seeds under one budget, trained, and compared as a reviewer would ask:
mean and deviation, differences paired by seed, intervals, no holes."""
