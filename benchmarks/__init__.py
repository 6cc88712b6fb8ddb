"""How fast the framework is: see README.md beside this file."""
