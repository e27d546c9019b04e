"""One-time codes: proof that a phone number or an email address is somebody's own."""
