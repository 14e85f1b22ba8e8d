"""The results of runs: their folder, the timings in it, and the conclusions from them."""
