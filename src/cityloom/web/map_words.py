"""What the map says in the browser, in the reader's language."""

from cityloom.web.languages import Language


def map_words(language: Language) -> dict[str, str]:
    """The map's words by their names in its scripts."""
    _ = language.gettext
    return {
        "map": _("Map of the city"),
        "in_view": _("In view: %(n)s"),
        "first": _("In view: the first %(n)s of %(total)s"),
        "none_in_view": _("Nothing of this layer is in view."),
        "merged": _("%(n)s together; zoom in to tell them apart"),
        "unnamed": _("no name"),
        "no_value": _("no value"),
        "source": _("Source: %(owner)s."),
        "to": _("%(low)s – %(high)s"),
        "dataset": _("To the dataset"),
        "no_map": _("This browser cannot draw the map; the table has the same rows."),
        "all_rows": _("All rows"),
        "zoom_in": _("Zoom in"),
        "zoom_to_see": _("zoom in to see it"),
        "zoom_out": _("Zoom out"),
        "missing": _("The tiles of %(layer)s cannot be read."),
    }
