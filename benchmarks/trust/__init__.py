"""Promises that take too long for a test: noise is not believed, kills lose nothing.

Each script starts the plain command of a person, many times, and counts what came of it.
"""
