"""Every rule about who is helped by whom, and when."""
