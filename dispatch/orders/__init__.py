"""Orders: a tow, a mechanic, a ride."""
