"""What can go wrong, in words a person can act on."""


class UsageError(Exception):
    """Something a person can mend: the message says what is wrong, where, and what to do.

    The command line prints the message alone; a stack trace is for defects only.
    """


class ContractError(UsageError):
    """A contract that cannot be read, contradicts itself or is refused."""


class DeliveryError(UsageError):
    """A delivered file that cannot be received as a whole; nothing of it was kept."""


class AccessRefused(UsageError):
    """A read that policy does not permit; the message names the rule and whom to ask."""


class CityLocked(UsageError):
    """Another process is writing to the city; the message says which."""
