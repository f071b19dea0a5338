"""Two spiders: one for forums, one for Reddit. What differs between engines or sites is elsewhere."""
