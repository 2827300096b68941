"""Key quality indicators: what one kind of service was like for its users."""
