"""The command line: ``python -m app`` and its subcommands."""
