"""Plays devices against the real service, which it knows only by the wire and by REST.

It never imports `api`: what it finds is found from outside, as a device, an operator or a protected
person would find it. ops/docs/simulator.md explains stories, time and the figures.
"""
