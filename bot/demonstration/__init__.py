"""A believable school, made by the real code with a clock of the past. Development only."""
