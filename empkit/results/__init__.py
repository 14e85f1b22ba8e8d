"""What runs leave behind: a folder, the timings in it, and what is concluded from them."""
