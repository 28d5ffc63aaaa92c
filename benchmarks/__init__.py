"""Measurements of fathom beside other tools; never part of the tests."""
