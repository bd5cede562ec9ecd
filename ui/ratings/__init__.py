"""The page Ratings: what people thought of answers, for administrators."""
