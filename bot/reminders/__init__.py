"""提醒: the season's safety and anti-fraud texts, and when each of them goes out."""
