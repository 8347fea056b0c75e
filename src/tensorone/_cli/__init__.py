"""The program `tensorone`: what is asked for, the library called, what is shown; `_commands` has a room per noun.

It stands above the whole library, and no command decides anything that a program without it would have to decide too.
"""
