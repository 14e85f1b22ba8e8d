"""The answers to each exercise that readers give: right ones, wrong ones, what these hear."""
