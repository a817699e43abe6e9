"""Drift: whether what a model is asked, and what it answers, is still what it was trained on.

It runs in a process of its own, ``python -m app drift``, and never in a server: `app.drift.significance` needs scipy.
It is part of ``app`` and not of ``training``, because it reads what a service writes (records, metrics, bundles) and
whoever runs a service runs it; training needs none of it.
"""
