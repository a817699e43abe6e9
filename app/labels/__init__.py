"""Labels: the known bitterness of beers, received after the prediction, and the accuracy of the models by them."""
