"""诉求: a student asks for a person; the case holds what was said until a person has answered."""
