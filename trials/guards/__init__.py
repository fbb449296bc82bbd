"""Each guard of the package, taken out once in turn: a test has to notice."""
