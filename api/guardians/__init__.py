"""Those whom a wearer trusts: named by the wearer, looking on by a link."""
