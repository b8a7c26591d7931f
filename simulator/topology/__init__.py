"""From a YAML document to a frozen model, with diagnostics that point into the document."""
