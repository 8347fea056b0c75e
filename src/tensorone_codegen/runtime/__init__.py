"""Files that are copied into every generated package; they import nothing of this one."""
