"""The child processes of a lab, the warden that ends them, and the handling of signals."""
