"""What happened in an incident, for those who were not there: as data that can be checked, and as a page."""
