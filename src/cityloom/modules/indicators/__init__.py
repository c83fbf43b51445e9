"""Indicators: figures about places and organisations, never about a person."""

from cityloom.module import Module

module = Module(name="indicators", package=__name__)
