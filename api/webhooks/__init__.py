"""Other systems that hear of facts."""
