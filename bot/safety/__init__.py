"""Distress: what a text says about danger to a life, and what to answer. Pure; the stage and the alerts live apart."""
