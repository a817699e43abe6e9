"""The composition root: builds the parts of the program from the settings; the only package that names them all."""
