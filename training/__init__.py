"""Training: recipe data in, a verified model bundle out. The service never imports it."""
