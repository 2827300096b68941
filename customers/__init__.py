"""What customers say and do about their experience: complaints and their links to it."""
