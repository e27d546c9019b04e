"""How the parts are run: the embedded servers, the supervisor and the command line behind ./mayday."""
