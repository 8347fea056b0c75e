"""The market: machines, their prices, and the placement of orders. Imports the refusals' texts alone."""
