"""What `identity_live.py` measures with: a town of generated people, a store filled with them, and
the replay of records in the order of time.
"""
