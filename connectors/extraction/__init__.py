"""An extractor behind an address that speaks the chat completions of OpenAI: the company's own
model, or a provider's.
"""
