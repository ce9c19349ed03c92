"""Floods: one party, or nobody, asks for all that it can get, while another one's reports are timed."""
