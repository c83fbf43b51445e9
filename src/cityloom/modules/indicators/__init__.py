"""Indicators: counts by place, trade and use that a city plans and reports with."""

from cityloom.module import Module

module = Module(
    "indicators",
    package="cityloom.modules.indicators",
    tables="cityloom.modules.indicators.tables",
)
