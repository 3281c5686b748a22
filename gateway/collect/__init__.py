"""`POST /collect`: what happens on sites, in the format of Segment's tracking API."""
