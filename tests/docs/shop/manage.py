#!/usr/bin/env python
"""The command line of a shop that signs its customers in by itself: the project that a how-to guide begins with."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
