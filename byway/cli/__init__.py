"""The `byway` command, for operators of routers.  One module for each command; `app` puts them together."""
