"""The child processes of a lab, the warden that ends them, and the signals that reach them."""
