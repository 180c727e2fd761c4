"""The document as it is read: A4 or letter, in the customer's language, PDF/A-3 with the Factur-X XML inside."""
