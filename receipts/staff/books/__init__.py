"""Rule books that staff propose, rehearse and put in force with a second person."""
