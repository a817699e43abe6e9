"""The settings, in groups by subject. `app.settings` takes them up, and is the only module that reads them."""
