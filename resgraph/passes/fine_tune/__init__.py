"""A recipe that treats parts of a net apart, and the net → which parts are meant, how deep they
stand."""
