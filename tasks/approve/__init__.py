"""Gates: a person decides, in the terminal or in the Prefect UI, or the gate's time runs out."""
