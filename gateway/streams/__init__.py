"""Subscriptions: streams over WebSocket and server-sent events."""
