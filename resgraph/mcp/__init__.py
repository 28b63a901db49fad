"""An agent → the commands of resgraph as tools of the Model Context Protocol, within one directory
and a limit of time."""
