"""Labels: what the bitterness of a beer was, said afterwards, and how good the models' answers were."""
