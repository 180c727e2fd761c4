"""Documents as they are sent: PDF, UBL and Factur-X (EN 16931). Pure: a Paper goes in, bytes come out. No Django, no clock: the same paper is
the same bytes."""
