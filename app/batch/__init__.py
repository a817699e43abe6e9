"""The batch transport: turns files of rows into predictions and errors, both as JSON lines."""
