"""What is stored about one person, said in plain words, and how it is deleted when they ask."""
