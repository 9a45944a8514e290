"""The `byway-authority` command, for operators of authorities; `app` puts its two halves together."""
