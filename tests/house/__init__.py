"""The shape of the code: how long its modules and functions are, and how much there is in each room."""
