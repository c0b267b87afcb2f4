"""Tables and queries of stations, officers, rosters and absences; numbers and names are encrypted."""
