"""The use cases. Imports the domain and the ports, never HTTP, SQL or the screen."""
