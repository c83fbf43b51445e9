"""Questions in SQL over the datasets of a city, as far as policy lets whoever asks read them."""

from cityloom.query.asking import Answer, Limits, ask

__all__ = ["Answer", "Limits", "ask"]
