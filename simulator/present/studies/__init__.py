"""Studies as text: one module a study, each a function from its document to lines."""
