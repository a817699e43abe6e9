"""What can go wrong in training, in one tree.

TrainingError
├── SourceError    recipe data cannot be read; the message names the file or the page
├── DataError      recipe data was read but cannot be trained on
└── ExportError    the exported graph does not give what the training code gives
"""


class TrainingError(Exception):
    """Base of all errors that training raises on purpose."""


class SourceError(TrainingError):
    """Recipe data cannot be read; the message names the file or the page and the fault."""


class DataError(TrainingError):
    """Recipe data was read but cannot be trained on: too few beers, too few groups."""


class ExportError(TrainingError):
    """The exported graph does not give what the training code gives."""
