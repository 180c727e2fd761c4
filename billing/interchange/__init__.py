"""The trade's data as files: one CSV file a table, rows known by their codes. Pure: no Django, no database."""
