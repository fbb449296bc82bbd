"""The neighbours, by what people use them for."""
