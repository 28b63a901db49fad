"""An evaluation → report.html: what a net got right and wrong, class by class and in pictures."""
