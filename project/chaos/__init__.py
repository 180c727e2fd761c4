"""`manage.py chaos`: kills, stops and cuts off everything under load, and counts what was lost or done twice."""
