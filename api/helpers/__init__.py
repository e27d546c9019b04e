"""Those who come: what they can do, what they are asked, what they answer."""
