"""Route planning for waste collection: instances, rules, plans and the jobs around them."""
