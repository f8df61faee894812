"""A network of NATs on virtual time: machines run in it as they do on real sockets."""
