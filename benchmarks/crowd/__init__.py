"""People with truth, as many as one likes: records of four systems with the errors of their kinds.

Made for size and not for judging quality: what decides how long a resolution takes is how many
records share a name, a street, a mailbox or a number, and how often values differ. Shares follow
the development data: three records a person, households that share a landline or a mailbox, moves,
new numbers and addresses, fillers, nicknames, slips of the hand.
"""

from crowd.directory import write

__all__ = ["write"]
