"""The graph for agents: three reviewed documents as tools of the Model Context Protocol."""
