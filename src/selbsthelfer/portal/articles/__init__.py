"""What the portal tells from files: help articles, the guided diagnosis, and how people reach people."""
