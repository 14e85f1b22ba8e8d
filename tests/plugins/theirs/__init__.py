"""What another package may add to the kit, one of each; `theirs-1.0.dist-info` names them."""
