"""nginx's configuration, as written: its directives, servers, targets and expressions."""
