"""The boundary artefact: plain typed columns and a manifest, one recording per replication."""
