"""The closed lists of the graph are those of the domain, registered with Strawberry here."""

import strawberry

from domain import vocabulary

strawberry.enum(vocabulary.SystemKind)
strawberry.enum(vocabulary.Channel)
strawberry.enum(vocabulary.PiiClass)
strawberry.enum(vocabulary.MaskStyle)
strawberry.enum(
    vocabulary.Completeness,
    description=(
        "COMPLETE: every source answered in time. STALE: some answer is older than asked for. "
        "PARTIAL: some source is missing. UNKNOWN: none answered."
    ),
)
strawberry.enum(vocabulary.ServedFrom)
strawberry.enum(vocabulary.SourceState)
strawberry.enum(
    vocabulary.Verification,
    description=(
        "How an identifier came to be trusted. An ASSERTED one may raise a candidate link; it "
        "never opens history."
    ),
)
strawberry.enum(vocabulary.LinkStatus)
strawberry.enum(vocabulary.LinkMethod)
strawberry.enum(vocabulary.ActorKind)
strawberry.enum(vocabulary.ActivityKind)
strawberry.enum(vocabulary.InteractionState)
strawberry.enum(vocabulary.IdentifierKind)
strawberry.enum(vocabulary.IdentityEventKind)
strawberry.enum(vocabulary.OrderStatus)
strawberry.enum(vocabulary.TicketStatus)
strawberry.enum(vocabulary.IssueState)
strawberry.enum(vocabulary.JourneyKind)
strawberry.enum(vocabulary.AttributionModel)
strawberry.enum(vocabulary.HandoffMode)
