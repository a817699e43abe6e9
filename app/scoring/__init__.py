"""Scoring of files of any size: the command ``score``, in a process of its own or on the workers of a cluster."""
