"""The Intercom REST API 2.16, emulated: contacts and conversations.

    POST /contacts/search        GET, PUT /contacts/{id}     GET /contacts/find_by_external_id/{id}
    POST /conversations/search   GET /conversations/{id}     POST /conversations/{id}/reply

Bearer token; Unix seconds. Limits kept: 150 rows a page, filters two levels deep and 15 a group,
500 parts of a conversation, a rate limit by windows of ten seconds.
"""

from sandbox.intercom.app import APP_ALLOWANCE, PLENTY, TOKEN, VENDOR, VERSION, build

__all__ = ["APP_ALLOWANCE", "PLENTY", "TOKEN", "VENDOR", "VERSION", "build"]
