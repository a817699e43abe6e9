"""The platform around the models: beers come from an API over a stream into a bucket, cleaned, and are answered there.

The functions in `app.aws_lambda` and the commands for those who have no cloud are thin over these modules;
docs/platform.md has the whole.
"""
