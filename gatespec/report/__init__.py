"""What a run says to people and machines: the HTML page, JSON, JUnit, the badge, and the lines on a terminal."""
