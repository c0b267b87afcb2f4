"""The real judging in virtual time: `judge` for what is made up, `replay` for what was stored."""
