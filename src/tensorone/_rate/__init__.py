"""The rate that a server bears: learned from refusals, or kept by a gate of the user's. It imports nothing of ours."""
