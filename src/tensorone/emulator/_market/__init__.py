"""What is for rent: machines, their prices, and who gets which. Stands on the refusals' texts alone."""
