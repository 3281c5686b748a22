"""What a mailbox is configured with, beside its secrets."""

from connectors.spec import Option

OPTIONS = (
    Option("host", "the IMAP server's name", None, r"[A-Za-z0-9._:-]+"),
    Option("user", "who logs in: as a rule the mailbox's address", None),
    Option("port", "where it is not 993 (tls) or 143 (starttls)", "", r"\d{1,5}"),
    Option(
        "security", "tls, starttls, or none (a server on this machine)", "tls", "tls|starttls|none"
    ),
    Option("folders", "names, with commas; Sent is found by what it is for", "INBOX, Sent"),
    Option("ours", "who is no customer: addresses and @domains, with commas; user is among them"),
    Option("ca_file", "certificates of an authority of your own (PEM)"),
    Option("token_url", "token endpoint, where the server wants OAuth 2.0"),
    Option("client_id", "of the app that was registered there"),
    Option("scope", "of the token, where the endpoint wants one named"),
)
