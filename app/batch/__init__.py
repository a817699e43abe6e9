"""The batch door: files of rows in, lines of answers and of faults out."""
