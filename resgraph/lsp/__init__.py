"""The language server: the text in an editor → diagnostics, hovers, hints, completions and
definitions as it is typed.

`server` speaks the protocol; the other modules are functions of a text and a place that know
nothing of it."""
