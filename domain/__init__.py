"""Movies and charts. Standard library only; imports no other package of this program."""
