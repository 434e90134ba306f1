"""What a movie and a chart are. Standard library only; imports nothing of ours."""
