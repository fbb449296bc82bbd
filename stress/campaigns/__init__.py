"""Each module is one campaign or data of one; ``python -m stress --help`` lists them."""
