"""Many results as a person or a DataFrame reads them: flat rows, and a small table in a notebook.

It stands on the generated models; what has more to say about its own results registers it here.
"""
