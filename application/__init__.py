"""What the program does. Knows the domain and the ports, never HTTP, SQL or the screen."""
