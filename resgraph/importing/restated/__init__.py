"""Steps of a net → steps that give the same, as a spec would have them."""
