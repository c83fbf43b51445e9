"""What happens in a sample city: visits, payments and meter readings by the hundred million."""

from cityloom.sample.events.make import (
    EventFile,
    add_events,
    copy_contracts,
    event_files,
    write_events,
)

__all__ = ["EventFile", "add_events", "copy_contracts", "event_files", "write_events"]
