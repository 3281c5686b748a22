"""The language of the product: records, keys, money, completeness, ports and errors. Standard
library only.
"""
