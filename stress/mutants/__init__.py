"""Small changes made by mutmut to the modules that decide who somebody is: a test has to notice each of them."""
