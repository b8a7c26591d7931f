"""What people see: terminal, HTML, exports. Everything is made from the result document."""
