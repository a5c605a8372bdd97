"""The attack corpus: one file per class of attack (A to N), and a small course made to be attacked."""
