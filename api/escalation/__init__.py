"""What admins decide about being asked: policies of escalation, and who is on duty when."""
