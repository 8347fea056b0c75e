"""An operation goes in; a typed result or an error of ours comes out. Stands on `_http` and the ground."""
