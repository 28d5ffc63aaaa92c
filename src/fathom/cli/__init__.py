"""Floor 10: the command. Parses words, calls a verb of `workflow`, shows what came back."""
