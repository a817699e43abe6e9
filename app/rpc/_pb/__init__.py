"""Messages that scripts/protos.sh makes from protos/; nothing else here is written by hand."""
