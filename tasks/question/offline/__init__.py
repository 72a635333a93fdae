"""The offline model as a writer of SQL: it reads a question by stated rules, word by word, and never guesses."""
