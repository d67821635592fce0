"""Rule books in words: fields, values, provinces and differences."""
