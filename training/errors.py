"""Errors of the training code.

TrainingError
├── SourceError    data cannot be read; the message names the file or page
├── DataError      data was read but cannot be trained on
└── ExportError    the exported graph differs from the training code
"""


class TrainingError(Exception):
    """Base of the errors that training raises."""


class SourceError(TrainingError):
    """Data cannot be read; the message names the file or page and the reason."""


class DataError(TrainingError):
    """Data was read but cannot be trained on: too few rows or groups."""


class ExportError(TrainingError):
    """The exported graph differs from the training code."""
