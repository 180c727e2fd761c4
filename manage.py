#!/usr/bin/env python3
"""The one entry point: `python3 manage.py demo`, `python3 manage.py test`, and every other command."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from project import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.main(sys.argv))
